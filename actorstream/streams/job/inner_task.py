"""A task that other tasks feed: alignment, merged time, credit."""

from __future__ import annotations

from actorstream.actors import Context, receives
from actorstream.model.instant import START_OF_TIME, Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.job import messages as m
from actorstream.streams.job.elements import Barrier, Element, End, Loaded, Mark
from actorstream.streams.job.gate import Gate, Weight
from actorstream.streams.job.pending import Pending
from actorstream.streams.job.spec import TaskSpec
from actorstream.streams.job.task import Task, TaskMessage
from actorstream.streams.plan.nodes import TableJoin


class InnerTask(Task, accepts=TaskMessage | m.Flow):
    """See `task`."""

    def __init__(self, spec: TaskSpec) -> None:
        super().__init__(spec)
        tables = [channel for channel in spec.senders if channel.endswith(":table")]
        self.gate = Gate([channel for channel in spec.senders if channel not in tables], tables)

    def begin(self, context: Context, prepare: m.Prepare) -> None:
        watermarks = prepare.restore.watermarks
        self.gate.reset(watermarks, watermarks.get(self.spec.id, START_OF_TIME))

    def go(self, context: Context) -> None:
        for channel, sender in self.spec.senders.items():
            context.send(sender, m.OpenChannel(self.epoch, channel))

    def watermark(self) -> Instant:
        return self.gate.watermark

    @receives(m.Flow)
    def on_flow(self, flow: m.Flow, context: Context) -> None:
        """Something came through a channel."""
        if flow.epoch == self.epoch:
            self.gate.put(flow.channel, flow.element, (flow.records, flow.size))
            self.work(context)

    def step(self, context: Context) -> bool:
        taken = self.gate.take()
        if taken is None:
            return False
        channel, element, weight = taken
        self._process(context, channel, element, weight)
        return True

    def _process(self, context: Context, channel: str, element: Element, weight: Weight) -> None:
        match element:
            case Batch():
                records, size = weight
                context.send(self.spec.senders[channel], m.Credit(self.epoch, channel, records, size))
                self.records_in += len(element)
                self._push(channel, element)
            case Barrier(checkpoint):
                self.barrier(context, checkpoint)
            case Loaded():
                self._loaded(context, channel)
            case Mark() | End():
                self._advance(context)

    def _push(self, channel: str, batch: Batch) -> None:
        if self.gate.is_table(channel):
            self.stages.table_side().push(batch)
        else:
            self.stages.head.push(batch.below(self.gate.floor()))

    def _advance(self, context: Context) -> None:
        self.stages.head.advance(self.gate.watermark)
        if self.has_changed():
            self.dirty(context)  # Idle sources say nothing: time alone is no reason for a checkpoint.
        self.outlets.offer(Mark(self.gate.watermark))
        if self.gate.all_ended() and not self.ended:
            self.finish(context)

    def _loaded(self, context: Context, channel: str) -> None:
        if isinstance(self.spec.task.head, TableJoin) and self.gate.is_table(channel):
            context.send(context.parent, m.TableLoaded(self.epoch, self.spec.task.name))
        else:
            self.outlets.offer(Loaded())

    def describe(self, context: Context, pending: Pending) -> None:
        pending.watermarks.update(self.gate.watermarks())
        pending.watermarks[self.spec.id] = self.gate.watermark  # While a channel was idle, it may be behind this.
