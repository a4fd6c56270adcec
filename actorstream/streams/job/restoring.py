"""Loading the state of a fresh task: exactly the ranges of the changelog that decided checkpoints name, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actorstream.actors import Context, Ref
from actorstream.errors import Corrupt
from actorstream.log.client import Fetch, Fetched, History, RawDecoder, StateRange
from actorstream.model.instant import START_OF_TIME, Instant
from actorstream.streams.job import messages as m
from actorstream.streams.job.questions import Questions
from actorstream.streams.job.spec import TaskSpec, task_id
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

    def start(self, context: Context, restore: m.Restore, groups: range) -> None:
        """Load what a checkpoint holds, and of it what belongs to these key groups."""
        state: Ranges = restore.state
        self._schemas = restore.schemas
        self._context = context
        self._groups = groups
        self._ranges: list[tuple[str, StateRange]] = sorted(
            (
                (name, one)
                for name in self._tables
                for one in state.get(name, ())
                if one.start < one.end and self._concerns(one)
            ),
            key=lambda pair: pair[1].start,
        )
        self._load_next(None)

    def _concerns(self, one: StateRange) -> bool:
        overlap = one.first_group < self._groups.stop and self._groups.start <= one.last_group
        return overlap and one.start < one.end

    def _load_next(self, offset: int | None) -> None:
        """Fetch from `offset`, or the next range; done when there is none."""
        if self._next == len(self._ranges):
            self._finish()
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
                    found = decode_changes(records[offset][1] or b"", where)
                    changes = self._tables[name].wanted(found, self._groups)
                    if wanted.base and offset == wanted.start:  # Older ranges may be there for other groups' sake.
                        self._tables[name].drop_groups(wanted.first_group, wanted.last_group)
                    self._tables[name].load(changes)
                    self._writer.count(name, len(changes) * self._tables[name].weight)
            if wanted.end > reached:
                self._load_next(max(reached, wanted.start))
                return
            self._next += 1
        self._finish()

    def _finish(self) -> None:
        for name, table in self._tables.items():
            table.upgrade(self._schemas.get(name, {}))
        self._then()


def restore_of(history: History) -> m.Restore:
    """What the last decided checkpoint holds."""
    done = history.done
    return m.Restore(
        instances=history.instances,
        checkpoint=history.last_checkpoint,
        sources=dict(history.sources),
        watermarks=dict(history.watermarks),
        state={state: ranges for state, ranges in history.state.items() if ranges},
        schemas=dict(history.schemas),
        handles={} if done is None else dict(done.handles),
    )


def restored_watermarks(spec: TaskSpec, restore: m.Restore) -> tuple[dict[str, Instant], Instant]:
    """How far the channels of an inner task were, and the task itself.

    All instances of a task hear the same of time, so one that is new begins where the first was. Only idle channels may
    let them differ by a little; with another number of instances all begin at the least.
    """
    task, saved = spec.task, restore.watermarks
    before = restore.instances.get(task.name, task.instances)
    like = spec.instance if before == task.instances else 0
    channels = {
        edge.channel(one, spec.instance): saved.get(edge.channel(one, like), START_OF_TIME)
        for edge in task.inputs
        for one in range(spec.job.plan.task(edge.source).instances)
    }
    if before == task.instances:
        return channels, saved.get(spec.id, START_OF_TIME)
    return channels, min(saved.get(task_id(task, one), START_OF_TIME) for one in range(before))
