"""Which checkpoint is in flight, who has answered, and what the decision will say. Pure.

Guarantees: a decision is made only from the answers of all tasks to the same checkpoint; numbers are never reused.
"""

from __future__ import annotations

from collections.abc import Iterable

from actorstream.log.client import Done
from actorstream.model.instant import Instant
from actorstream.streams.job.messages import Ack


class Checkpoints:
    """The checkpoints of one epoch."""

    def __init__(self, tasks: Iterable[str], first: int) -> None:
        self._tasks = tuple(tasks)
        self._next = first
        self._acks: dict[str, Ack] = {}
        self.in_flight: int | None = None
        self.triggered_at: Instant = 0

    def trigger(self, now: Instant) -> int:
        """Begin the next checkpoint."""
        assert self.in_flight is None, "a checkpoint is in flight"
        self.in_flight, self._next = self._next, self._next + 1
        self.triggered_at = now
        self._acks = {}
        return self.in_flight

    def ack(self, ack: Ack) -> bool:
        """A task has answered; gives whether all have."""
        if ack.checkpoint != self.in_flight:
            return False
        self._acks[ack.task] = ack
        return len(self._acks) == len(self._tasks)

    def done(self, epoch: int, plan_hash: str, now: Instant) -> Done:
        """The decision about the checkpoint in flight."""
        assert self.in_flight is not None
        assert len(self._acks) == len(self._tasks)
        done = Done(epoch=epoch, checkpoint=self.in_flight, plan_hash=plan_hash, at_us=now)
        for task in self._tasks:
            ack = self._acks[task]
            done.sources.update(ack.sources)
            done.watermarks.update(ack.watermarks)
            for state, ranges in ack.state.items():  # Instances of a task share a state by key groups.
                done.state[state] = (*done.state.get(state, ()), *ranges)
            done.handles.update(ack.handles)
            for partition, cuts in ack.sinks.items():
                done.sinks.setdefault(partition, {}).update(cuts)
        return done

    def missing(self) -> list[str]:
        """Tasks that have not answered yet."""
        return [task for task in self._tasks if task not in self._acks] if self.in_flight is not None else []

    def decided(self) -> None:
        """The checkpoint in flight is decided and everything that follows from it is done."""
        self.in_flight = None
