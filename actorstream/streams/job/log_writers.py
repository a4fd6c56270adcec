"""The sinks of a task that write to topics: provisional output, and where it ends at each checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actorstream.actors import Context, Ref
from actorstream.log.client import Append, Flush, partition_ref
from actorstream.streams.engine.sinks import TopicSinkStage
from actorstream.streams.job.lanes import Lane
from actorstream.streams.job.messages import Prepare
from actorstream.streams.job.pending import Pending
from actorstream.streams.job.questions import Questions

UNANSWERED_MAX = 32
"""Appends of a lane that may wait for their answer; then the task takes no input."""

Settle = Callable[[Context, Pending, str], None]


class LogWriters:
    """See the module.

    `watch` is called for each partition before it is written to; `answered` when an append was answered; `settle` when
    a lane's part of a checkpoint is on stable storage.
    """

    def __init__(
        self,
        questions: Questions,
        watch: Callable[[Context, Ref], None],
        answered: Callable[[Context], None],
        settle: Settle,
    ) -> None:
        self.records = 0  # written so far
        self._questions = questions
        self._watch = watch
        self._answered = answered
        self._settle = settle
        self._lanes: list[tuple[TopicSinkStage, Lane]] = []
        self._pending: Pending | None = None

    def add(self, stage: TopicSinkStage, lane: str) -> None:
        """One more sink."""
        self._lanes.append((stage, Lane(lane, stage.topic.name)))

    def begin(self, prepare: Prepare) -> None:
        """Begin an epoch."""
        self._pending = None
        for _, lane in self._lanes:
            lane.begin(*prepare.lanes[lane.name], prepare.first_checkpoint)

    def may_take_more(self) -> bool:
        """Whether the log keeps up."""
        return all(lane.unanswered() < UNANSWERED_MAX for _, lane in self._lanes)

    def send_full(self, context: Context, gathered_max: int) -> None:
        """Append what the sinks have gathered, where it is much."""
        for stage, lane in self._lanes:
            if stage.gathered() >= gathered_max:
                self._send(context, stage, lane)

    def has_gathered(self) -> bool:
        """Whether something waits to be appended."""
        return any(stage.gathered() for stage, _ in self._lanes)

    def seal(self, context: Context, pending: Pending) -> None:
        """The barrier has come: append the rest; what follows belongs to the next checkpoint."""
        self._pending = pending
        for stage, lane in self._lanes:
            self._send(context, stage, lane)
            lane.seal(pending.checkpoint)
            pending.wait(_token(lane))
            self._flush_if_answered(context, lane)

    def _send(self, context: Context, stage: TopicSinkStage, lane: Lane) -> None:
        """Append what a sink has gathered, as provisional output of the open checkpoint."""
        checkpoint = lane.open_checkpoint
        for partition, gathered in stage.take().items():
            data, last_sequence = lane.encode(partition, gathered)
            self.records += len(gathered.values)
            ref = partition_ref(lane.topic, partition)
            self._watch(context, ref)

            def answered(appended: Any, partition: int = partition, last_sequence: int = last_sequence) -> None:
                lane.appended(checkpoint, partition, last_sequence, appended.end_offset)
                self._flush_if_answered(context, lane)
                self._answered(context)

            self._questions.ask(context, ref, Append(batches=data), answered)

    def _flush_if_answered(self, context: Context, lane: Lane) -> None:
        """All appends of a sealed checkpoint are answered: make them durable, then the lane's part is done."""
        pending = self._pending
        if pending is None or not pending.waits_for(_token(lane)) or not lane.is_answered(pending.checkpoint):
            return
        cuts = lane.take_cuts(pending.checkpoint)
        if cuts is None:
            return  # They are being flushed already.
        left = dict.fromkeys(cuts)
        for partition, cut in cuts.items():
            pending.sinks.setdefault(f"{lane.topic}-{partition}", {})[lane.name] = cut

            def flushed(_: Any, partition: int = partition) -> None:
                del left[partition]
                if not left:
                    self._settle(context, pending, _token(lane))

            self._questions.ask(context, partition_ref(lane.topic, partition), Flush(cut.last_offset + 1), flushed)
        if not cuts:
            self._settle(context, pending, _token(lane))


def _token(lane: Lane) -> str:
    return f"lane {lane.name}"
