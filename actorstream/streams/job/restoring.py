"""Loading the state of a fresh task: exactly the ranges of the changelog that decided checkpoints name, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actorstream.actors import Context, Ref
from actorstream.errors import Corrupt
from actorstream.log.client import Fetch, Fetched, History, RawDecoder, StateRange
from actorstream.streams.job import messages as m
from actorstream.streams.job.questions import Questions
from actorstream.streams.job.state_writer import StateWriter
from actorstream.streams.store.changes import decode_changes
from actorstream.streams.store.table import StateTable

Ranges = Mapping[str, tuple[StateRange, ...]]


class Restoring:
    """Fetches from `changelog` and applies to `tables`, then calls `then`. `writer` is told how much it was."""

    def __init__(
        self,
        questions: Questions,
        changelog: Ref,
        tables: Mapping[str, StateTable[Any]],
        writer: StateWriter,
        then: Callable[[], None],
    ) -> None:
        self._questions = questions
        self._changelog = changelog
        self._tables = tables
        self._writer = writer
        self._then = then
        self._next = 0

    def start(self, context: Context, state: Ranges) -> None:
        """Load these ranges."""
        self._context = context
        self._ranges: list[tuple[str, StateRange]] = sorted(
            ((name, one) for name in self._tables for one in state.get(name, ()) if one.start < one.end),
            key=lambda pair: pair[1].start,
        )
        self._load_next(None)

    def _load_next(self, offset: int | None) -> None:
        """Fetch from `offset`, or the next range; done when there is none."""
        if self._next == len(self._ranges):
            self._then()
            return
        _, wanted = self._ranges[self._next]
        start = wanted.start if offset is None else offset
        self._questions.ask(self._context, self._changelog, Fetch(start, committed=False), self._apply)

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
                    self._tables[name].load(changes)
                    self._writer.count(name, len(changes))
            if wanted.end > reached:
                self._load_next(max(reached, wanted.start))
                return
            self._next += 1
        self._then()


def restore_of(history: History) -> m.Restore:
    """What the last decided checkpoint holds."""
    done = history.done
    return m.Restore(
        checkpoint=history.last_checkpoint,
        sources=dict(history.sources),
        watermarks=dict(history.watermarks),
        state={state: ranges for state, ranges in history.state.items() if ranges},
        handles={} if done is None else dict(done.handles),
    )
