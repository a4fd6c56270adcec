"""Functions over all records of a window: panes that keep the records themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

from actorstream.errors import Mistake, OperatorError
from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.emitted import emitted
from actorstream.streams.engine.panes import Content, PanesStage, View
from actorstream.streams.plan.nodes import WindowApply
from actorstream.streams.windows import Window


class WindowApplyStage(PanesStage):
    """`@windowed`: content is a list of (time, partition, offset, value), sorted only when the window is due."""

    def __init__(self, node: WindowApply) -> None:
        super().__init__(node, dict[int, list[tuple[int, int, int, node.value_type]]])  # type: ignore[name-defined]
        self._function = node.function

    def view(self, batch: Batch) -> View:
        rows, times = batch.rows(), as_list(batch.times)
        # What an operator made has no offsets: then the order in which it came, which sorting keeps, is its order.
        offsets = [0] * len(rows) if batch.offsets is None else as_list(batch.offsets)
        return list(zip(times, repeat(batch.origin.partition), offsets, rows, strict=False))

    def fold(self, view: View, places: list[int]) -> Content:
        return [view[place] for place in places]

    def merge(self, contents: Sequence[Content]) -> Content:
        return list(chain.from_iterable(contents))

    def results(self, key: Any, start: Instant, end: Instant, content: Content) -> Iterable[Any]:
        values = [entry[3] for entry in sorted(content, key=itemgetter(0, 1, 2))]
        window = Window.of(key, start, end, values)
        try:
            return emitted(self._function(window))
        except (Mistake, OperatorError):
            raise
        except Exception as error:
            cause = f"{type(error).__name__}: {error}"
            raise OperatorError(self.name, repr(window), cause=cause) from error
