"""Functions over all records of a window: panes that keep the records themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actorstream.errors import OperatorError
from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.emitted import emitted
from actorstream.streams.engine.panes import Content, Group, PanesStage
from actorstream.streams.plan.nodes import WindowApply
from actorstream.streams.windows import Window


class WindowApplyStage(PanesStage):
    """`@windowed`: content is a list of (time, partition, offset, value), sorted only when the window is due."""

    def __init__(self, node: WindowApply) -> None:
        super().__init__(node, dict[int, list[tuple[int, int, int, node.value_type]]])  # type: ignore[name-defined]
        self._function = node.function

    def fold(self, batch: Batch, groups: dict[Group, list[int]]) -> Iterable[tuple[Group, Content]]:
        rows, times = batch.rows(), as_list(batch.times)
        offsets = range(len(rows)) if batch.offsets is None else as_list(batch.offsets)
        partition = batch.origin.partition
        for group, places in groups.items():
            yield group, [(times[place], partition, offsets[place], rows[place]) for place in places]

    def merge(self, one: Content, other: Content) -> Content:
        return [*one, *other]

    def results(self, key: Any, start: Instant, end: Instant, content: Content) -> Iterable[Any]:
        values = [entry[3] for entry in sorted(content, key=lambda entry: entry[:3])]
        window = Window.of(key, start, end, values)
        try:
            return emitted(self._function(window))
        except Exception as error:
            cause = f"{type(error).__name__}: {error}"
            raise OperatorError(self.name, repr(window), cause=cause) from error
