"""Calls a window's function under a failure policy: behind the stage that says when which window is due."""

from __future__ import annotations

from typing import Any

from actorstream.streams.engine.apply import Records
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.guard import GuardedStage, Now, kept
from actorstream.streams.engine.pausable import Work
from actorstream.streams.plan.nodes import WindowApply, WindowReduce
from actorstream.streams.windows import Window

SHOWN_RECORDS_MAX = 1_000
"""Records of a window in a dead letter; the first of them, if there are more."""


class WindowCallStage(GuardedStage):
    """See the module. What comes in are windows, with the time of their results."""

    def __init__(self, node: WindowApply | WindowReduce, records: Records, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._records = records
        self._kind = node.type

    def work(self, batch: Batch) -> Work:
        windows = batch.rows()
        failed, results = yield from self.guard.each(self._values, batch, windows, shown=_shown)
        places: list[int] = []
        values: list[Any] = []
        for place, given in zip(kept(failed, len(windows)), results, strict=True):
            places.extend([place] * len(given))
            values.extend(given)
        self.emit(batch.choose(places, values, self._kind))

    def _values(self, window: Window[Any, Any]) -> list[Any]:
        return list(self._records.call(window))


def _shown(window: Window[Any, Any]) -> dict[str, Any]:
    """A window as a dead letter has it."""
    records = list(window)[:SHOWN_RECORDS_MAX]
    return {"key": window.key, "start": window.start, "end": window.end, "records": records}
