"""One checkpoint of one task on its way to stable storage. Pure."""

from __future__ import annotations

from typing import Any

from actorstream.log.client import Cut, StateRange
from actorstream.streams.job.messages import Ack, Progress


class Pending:
    """Gathers a task's part of a checkpoint; ready when nothing is waited for any more."""

    def __init__(self, checkpoint: int) -> None:
        self.checkpoint = checkpoint
        self.sources: dict[str, Any] = {}
        self.watermarks: dict[str, int] = {}
        self.state: dict[str, tuple[StateRange, ...]] = {}
        self.sinks: dict[str, dict[str, Cut]] = {}
        self.handles: dict[str, tuple[str, ...]] = {}
        self._waits: dict[str, None] = {}

    def wait(self, token: str) -> None:
        """One more thing must be done first."""
        assert token not in self._waits
        self._waits[token] = None

    def done(self, token: str) -> None:
        """It is done."""
        del self._waits[token]

    def waits_for(self, token: str) -> bool:
        """Whether it is still to be done."""
        return token in self._waits

    def is_ready(self) -> bool:
        """Whether everything is on stable storage."""
        return not self._waits

    def ack(self, epoch: int, task: str, progress: Progress) -> Ack:
        """What the coordinator is told."""
        assert self.is_ready()
        return Ack(
            epoch=epoch,
            checkpoint=self.checkpoint,
            task=task,
            sources=self.sources,
            watermarks=self.watermarks,
            state=self.state,
            sinks=self.sinks,
            handles=self.handles,
            progress=progress,
        )
