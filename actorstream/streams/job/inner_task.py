"""A task that other tasks feed: alignment, merged time, credit."""

from __future__ import annotations

from actorstream.actors import Context, receives
from actorstream.actors.flow import HORIZON_US, LEAST_WINDOW, Amount
from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.packed import Packed, Parcel
from actorstream.streams.engine.partials import records_of
from actorstream.streams.engine.two_sided import held
from actorstream.streams.job import messages as m
from actorstream.streams.job.elements import Barrier, Element, End, Loaded, Mark
from actorstream.streams.job.gate import Gate
from actorstream.streams.job.kinds import Kinds
from actorstream.streams.job.pending import Pending
from actorstream.streams.job.restoring import restored_watermarks
from actorstream.streams.job.spec import TaskSpec
from actorstream.streams.job.task import Task
from actorstream.streams.job.task_messages import TaskMessage
from actorstream.streams.plan.nodes import TableJoin


class InnerTask(Task, accepts=TaskMessage | m.Flow | m.ReadState):
    """See `task`."""

    def furnish(self, spec: TaskSpec) -> None:
        super().furnish(spec)
        self._kinds = Kinds(spec.job.plan)
        tables = [channel for channel in spec.senders if channel.endswith(":table")]
        streams = [channel for channel in spec.senders if channel not in tables]
        horizon_us = min(HORIZON_US, spec.job.settings.checkpoint_us // 4)
        self.gate = Gate(streams, tables, horizon_us, LEAST_WINDOW if spec.task.is_async else None)

    def begin(self, context: Context, prepare: m.Prepare) -> None:
        watermarks, merged = restored_watermarks(self.spec, prepare.restore)
        self.gate.reset(self.epoch, watermarks, merged)

    def go(self, context: Context) -> None:
        for channel, limit in self.gate.limits().items():
            context.send(self.spec.senders[channel], m.OpenChannel(self.epoch, channel, *limit))

    def watermark(self) -> Instant:
        return self.gate.watermark

    @receives(m.Flow)
    def on_flow(self, flow: m.Flow, context: Context) -> None:
        """Something came through a channel; before this epoch has opened it, it belongs to an earlier one."""
        weight = Amount(flow.records, flow.size)
        if self.running and self.gate.put(flow.channel, flow.epoch, flow.sequence, self._element(flow), weight):
            self.work(context)

    def _element(self, flow: m.Flow) -> Element:
        match flow.element:
            case Parcel(batch=batch):  # Its sender is on this node.
                return batch
            case Packed() as packed:
                return packed.unpack(self._kinds.at(flow.kind))
            case element:
                return element

    @receives(m.ReadState)
    def on_read_state(self, read: m.ReadState, context: Context) -> None:
        """Somebody wants to know what an operator holds."""
        if not self.running:
            context.reply(m.StateRead(is_ready=False))
            return
        stage = next(stage for stage in self.stages.all if stage.name == read.operator)
        context.reply(m.StateRead(True, stage.look(read.key, decided=read.decided)))

    def step(self, context: Context) -> bool:
        taken = self.gate.take(context.host.clock.monotonic_us())
        if taken is None:
            return False
        self.process(context, *taken)
        return True

    def process(self, context: Context, channel: str, element: Element) -> None:
        """Do what an element of a channel asks for."""
        match element:
            case Batch():
                self.give_credit(context, channel)
                self.records_in += records_of(element)
                self._push(context, channel, element)
            case Barrier(checkpoint):
                self.barrier(context, checkpoint)
            case Loaded():
                self._loaded(context, channel)
            case Mark() | End():
                self.advance(context, self.gate.watermark, ended=self.gate.all_ended())

    def give_credit(self, context: Context, channel: str) -> None:
        """Something of this channel was taken: tell its sender, if it is time to."""
        grant = self.gate.grant(channel)
        if grant is not None:
            credit = m.Credit(self.epoch, channel, grant.taken, *grant.limit)
            context.send(self.spec.senders[channel], credit)

    def _push(self, context: Context, channel: str, batch: Batch) -> None:
        if self.gate.is_table(channel):
            self.push(context, batch, self.stages.table_side().push)
            return
        side = self.stages.right_side() if channel.endswith(":right") else self.stages.head
        side.expect(batch)
        self.push(context, batch.below(self.gate.floor()), side.push)

    def advance(self, context: Context, watermark: Instant, *, ended: bool) -> None:
        """Time has come to `watermark`; `ended`: for the last time."""
        self.stages.head.advance(watermark)
        self.once_through(lambda: self._advanced(context, watermark, ended=ended))

    def _advanced(self, context: Context, watermark: Instant, *, ended: bool) -> None:
        if self.has_changed():
            self.dirty(context)  # Idle sources say nothing: time alone is no reason for a checkpoint.
        self.outlets.offer(Mark(held(watermark, self.stages.hold_us)))
        if ended and not self.ended:
            self.finish(context)

    def _loaded(self, context: Context, channel: str) -> None:
        if isinstance(self.spec.task.head, TableJoin) and self.gate.is_table(channel):
            context.send(context.parent, m.TableLoaded(self.epoch, self.spec.id))
        else:
            self.outlets.offer(Loaded())

    def describe(self, context: Context, pending: Pending) -> None:
        pending.watermarks.update(self.gate.watermarks())
        pending.watermarks[self.spec.id] = self.gate.watermark  # While a channel was idle, it may be behind this.
