"""Windows that keep the records themselves: for functions over all of them, and for `reduce`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

from actorstream.errors import Mistake, OperatorError
from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.contents import Content, Contents, View
from actorstream.streams.engine.emitted import emitted
from actorstream.streams.engine.failure import failed
from actorstream.streams.plan.nodes import WindowApply, WindowNode, WindowReduce
from actorstream.streams.windows import Window


class Records(Contents):
    """Content is a list of (time, partition, offset, value), sorted only when the window is due."""

    def __init__(self, node: WindowNode, value_type: Any) -> None:
        # Under a policy the windows themselves go on, to a stage that calls the function (`call`).
        self._calls = node.on_error is None or node.on_error.is_plain
        self.kind = list[tuple[int, int, int, value_type]]
        self._name = node.name

    def view(self, batch: Batch) -> View:
        rows, times = batch.rows(), as_list(batch.times)
        # What an operator made has no offsets: then the order in which it came, which sorting keeps, is its order.
        offsets = [0] * len(rows) if batch.offsets is None else as_list(batch.offsets)
        return list(zip(times, repeat(batch.origin.partition), offsets, rows, strict=False))

    def fold(self, view: View, places: Sequence[int]) -> Content:
        return [view[place] for place in places]

    def merge(self, contents: Sequence[Content]) -> Content:
        return list(chain.from_iterable(contents))

    def add(self, known: Content, more: Content) -> Content:
        known.extend(more)
        return known

    def results(self, key: Any, start: Instant, end: Instant, content: Content) -> Iterable[Any]:
        window = Window.of(key, start, end, self.values(content))
        if not self._calls:
            return (window,)
        try:
            return self.call(window)
        except (Mistake, OperatorError):
            raise
        except Exception as error:
            raise failed(self._name, repr(window), error) from error

    def values(self, content: Content) -> list[Any]:
        """The records of a window, in order."""
        return [entry[3] for entry in sorted(content, key=itemgetter(0, 1, 2))]

    @abstractmethod
    def call(self, window: Window[Any, Any]) -> Iterable[Any]:
        """What the user's function makes of it."""


class Applied(Records):
    """`windowed.apply`: whatever the function gives for the window."""

    def __init__(self, node: WindowApply) -> None:
        super().__init__(node, node.value_type)
        self._function = node.function

    def call(self, window: Window[Any, Any]) -> Iterable[Any]:
        return emitted(self._function(window))


class Reduced(Records):
    """`windowed.reduce`: the records combined one after the other, in order of event time.

    They are kept until then, because a function need not give the same in another order.
    """

    def __init__(self, node: WindowReduce) -> None:
        super().__init__(node, node.value_type)
        self._function = node.function

    def call(self, window: Window[Any, Any]) -> Iterable[Any]:
        return (reduce(self._function, window),)
