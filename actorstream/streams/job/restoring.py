"""Loading the state of a fresh task: exactly the ranges of the changelog that decided checkpoints name, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from actorstream.actors import Context
from actorstream.errors import Corrupt
from actorstream.log.client import Fetch, Fetched, RawDecoder, StateRange
from actorstream.streams.job.messages import Prepare
from actorstream.streams.store.changes import decode_changes

if TYPE_CHECKING:
    from actorstream.streams.job.task import Task


class Restoring:
    """Fetches and applies, then calls `then`."""

    def __init__(self, task: Task, context: Context, prepare: Prepare, then: Callable[[], None]) -> None:
        self._task = task
        self._context = context
        self._then = then
        tables = task.tables()
        state = prepare.restore.state
        self._ranges: list[tuple[str, StateRange]] = sorted(
            ((name, one) for name in tables for one in state.get(name, ()) if one.start < one.end),
            key=lambda pair: pair[1].start,
        )
        self._next = 0

    def start(self) -> None:
        """Go."""
        self._load_next(None)

    def _load_next(self, offset: int | None) -> None:
        """Fetch from `offset`, or the next range; done when there is none."""
        if self._next == len(self._ranges):
            self._then()
            return
        _, wanted = self._ranges[self._next]
        start = wanted.start if offset is None else offset
        self._task.questions.ask(self._context, self._task.changelog(), Fetch(start, committed=False), self._apply)

    def _apply(self, answer: Fetched) -> None:
        """Apply all ranges that the answer covers; it often covers many."""
        if not answer.batches:
            _, wanted = self._ranges[self._next]
            raise Corrupt(
                f"{answer.topic}-{answer.partition}", 0, f"it ends before offset {wanted.end}, which a checkpoint needs"
            )
        records = {offset: (key, value) for offset, key, value in RawDecoder().decode(answer)}
        reached = answer.next_offset
        while self._next < len(self._ranges):
            name, wanted = self._ranges[self._next]
            for offset in range(wanted.start, min(wanted.end, reached)):
                if offset in records:
                    where = f"{answer.topic}-{answer.partition} at offset {offset}"
                    changes = decode_changes(records[offset][1] or b"", where)
                    self._task.tables()[name].load(changes)
                    self._task.state_writer.count(name, len(changes))
            if wanted.end > reached:
                self._load_next(max(reached, wanted.start))
                return
            self._next += 1
        self._then()
