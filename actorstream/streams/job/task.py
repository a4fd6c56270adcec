"""A task: one actor that runs the stages of some operators, between its channels.

This is the half that sources and inner tasks share: stages, outlets, sinks, checkpoints, recovery. What brings the
batches is added by `source_task` and `inner_task`. An epoch begins with `Prepare` (roll back or load), and work begins
with `Resume`. Everything that belongs to an earlier epoch is dropped.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

from actorstream.actors import Actor, Context, Ref, Terminated, receives
from actorstream.errors import JobFailed
from actorstream.log.client import (
    Append,
    Appended,
    Fetched,
    Flush,
    Flushed,
    Refused,
    changelog_topic,
    partition_ref,
)
from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.build import Stages
from actorstream.streams.engine.panes import PanesStage
from actorstream.streams.engine.process import ProcessStage
from actorstream.streams.engine.sinks import TopicSinkStage, TwoPhaseSinkStage
from actorstream.streams.engine.stage import Stage
from actorstream.streams.job import messages as m
from actorstream.streams.job.elements import Barrier, Element, End
from actorstream.streams.job.files import FileLane
from actorstream.streams.job.lanes import Lane
from actorstream.streams.job.outlet import Outlet
from actorstream.streams.job.pending import Pending
from actorstream.streams.job.questions import Questions
from actorstream.streams.job.restoring import Restoring
from actorstream.streams.job.spec import TaskSpec
from actorstream.streams.plan.physical import lane_name
from actorstream.streams.store.changelog import StateRecords, encode_state

UNANSWERED_MAX = 32
"""Appends of a task's sinks that may wait for their answer; then it takes no input."""

CHANGELOG = "changelog"
INPUT = "input"

TaskMessage = (
    m.Prepare
    | m.Resume
    | m.Committed
    | m.Continue
    | m.Done
    | m.Credit
    | m.OpenChannel
    | m.Tick
    | Appended
    | Fetched
    | Flushed
    | Refused
    | Terminated
)


def _call(function: Callable[[int], None], argument: int, answer: Any) -> None:
    function(argument)


class _EdgeStage(Stage):
    """Offers what a stage emits to the outlets of an edge."""

    def __init__(self, name: str, outlet: Outlet) -> None:
        super().__init__(name)
        self._outlet = outlet

    def push(self, batch: Batch) -> None:
        self._outlet.offer(batch)


class Task(Actor):
    """See the module."""

    def __init__(self, spec: TaskSpec) -> None:
        self.spec = spec
        self.questions = Questions()
        self.epoch = 0
        self.running = False
        self.ended = False
        self.records_in = self.records_out = 0
        self.outlets = {edge.channel(spec.instance): Outlet(edge.channel(spec.instance)) for edge in spec.task.outputs}
        self.lanes: list[tuple[TopicSinkStage, Lane]] = []
        self.files: list[tuple[TwoPhaseSinkStage, FileLane]] = []
        self._fresh = True  # nothing was loaded into the state yet
        self._pending: Pending | None = None
        self._scheduled = False
        self._dirty = False
        self._ticking = False
        self._watched: dict[Ref, None] = {}

    def started(self, context: Context) -> None:
        now = context.now
        self.stages = Stages(self.spec.task, now, self.spec.reads_time)
        for edge in self.spec.task.outputs:
            outlet = self.outlets[edge.channel(self.spec.instance)]
            self.stages.of(edge.node).outputs.append(_EdgeStage(edge.target, outlet))
        for node in self.spec.task.nodes:
            stage = self.stages.of(node)
            if isinstance(stage, TopicSinkStage):
                self.lanes.append((stage, Lane(lane_name(node, self.spec.instance), stage.topic.name)))
            elif isinstance(stage, TwoPhaseSinkStage):
                self.files.append(
                    (stage, FileLane(self.spec.job.name, lane_name(node, self.spec.instance), stage.sink))
                )

    # --- what the two kinds of tasks do ----------------------------------------------------------------------------

    @abstractmethod
    def begin(self, context: Context, prepare: m.Prepare) -> None:
        """An epoch begins: go back to what the checkpoint says."""

    @abstractmethod
    def go(self, context: Context) -> None:
        """The epoch's work begins."""

    @abstractmethod
    def step(self, context: Context) -> bool:
        """Process one thing, if there is one; gives whether there was."""

    @abstractmethod
    def describe(self, context: Context, pending: Pending) -> None:
        """Add where this task is to a checkpoint."""

    # --- epochs ----------------------------------------------------------------------------------------------------

    @receives(m.Prepare)
    def on_prepare(self, prepare: m.Prepare, context: Context) -> None:
        """Drop what belongs to the old epoch; roll back, or load."""
        self.epoch = prepare.epoch
        self.running = self.ended = self._scheduled = self._dirty = self._ticking = False
        self._pending = None
        self.questions.drop_all()
        for outlet in self.outlets.values():
            outlet.reset()
        for _, lane in self.lanes:
            lane.begin(*prepare.lanes[lane.name], prepare.first_checkpoint)
        for _, file in self.files:
            file.begin(prepare.epoch, prepare.first_checkpoint)
        self._watch(context, self._changelog())
        if self._fresh:
            Restoring(self, context, prepare, lambda: self._prepared(context, prepare)).start()
        else:
            for table in self._tables().values():
                table.commit(prepare.restore.checkpoint)
                table.rollback()
            self._prepared(context, prepare)

    def _prepared(self, context: Context, prepare: m.Prepare) -> None:
        self._fresh = False
        for stage in self.stages.all:
            stage.restored()
        self.begin(context, prepare)
        self._recommit(context, prepare)

    def _recommit(self, context: Context, prepare: m.Prepare) -> None:
        """Commit again what the checkpoint committed, and remove what no checkpoint will."""
        work = [file.recovery(prepare.restore.handles.get(file.name, ())) for _, file in self.files]
        epoch = self.epoch
        if not work:
            context.send(context.parent, m.Prepared(epoch, self.spec.id))
            return

        def recover() -> None:
            for one in work:
                one()

        context.background(recover, lambda _: m.Done(epoch, "recovery"))

    @receives(m.Resume)
    def on_resume(self, resume: m.Resume, context: Context) -> None:
        """Every task of the epoch is ready."""
        if resume.epoch == self.epoch:
            self.running = True
            self.go(context)
            self.resume_at()
            self.work(context)

    def resume_at(self) -> None:
        """Tell the stages how far event time was."""
        for stage in self.stages.all:
            if isinstance(stage, PanesStage):
                stage.resume_at(self.watermark())

    @abstractmethod
    def watermark(self) -> Instant:
        """The watermark of this task's input."""

    # --- work ------------------------------------------------------------------------------------------------------

    def work(self, context: Context) -> None:
        """Go on soon, unless that is arranged already."""
        if self.running and not self._scheduled:
            self._scheduled = True
            context.send(context.self, m.Continue(self.epoch))

    @receives(m.Continue)
    def on_continue(self, message: m.Continue, context: Context) -> None:
        """Process one thing; come back for the next, so that other messages get their turn."""
        if message.epoch != self.epoch or not self.running:
            return
        self._scheduled = False
        if not self._may_take():
            return
        if self.step(context):
            self.after(context)
            self.work(context)

    def _may_take(self) -> bool:
        if any(outlet.is_blocked for outlet in self.outlets.values()):
            return False
        return all(lane.unanswered() < UNANSWERED_MAX for _, lane in self.lanes)

    def after(self, context: Context) -> None:
        """Something was processed: send what may go."""
        self.pump(context)
        most = self.spec.job.settings.gather_records
        for stage, lane in self.lanes:
            if stage.gathered() >= most:
                self._send_lane(context, stage, lane)
        for sink, file in self.files:
            if sink.gathered() >= most:
                file.write(sink.take())
        self._tick_for_timers(context)

    def dirty(self, context: Context) -> None:
        """Something happened that a checkpoint should hold; said once between two barriers."""
        if not self._dirty:
            self._dirty = True
            context.send(context.parent, m.Dirty(self.epoch))

    def offer(self, element: Element) -> None:
        """Put an element into every outlet."""
        for outlet in self.outlets.values():
            outlet.offer(element)

    def pump(self, context: Context) -> None:
        """Send what has credit."""
        for channel, outlet in self.outlets.items():
            receiver = self.spec.receivers[channel]
            while (taken := outlet.take()) is not None:
                element, records, size = taken
                context.send(receiver, m.Flow(self.epoch, channel, element, records, size))

    @receives(m.OpenChannel)
    def on_open_channel(self, opened: m.OpenChannel, context: Context) -> None:
        """A receiver is ready."""
        if opened.epoch == self.epoch:
            self.outlets[opened.channel].open()
            self.pump(context)
            self.work(context)

    @receives(m.Credit)
    def on_credit(self, credit: m.Credit, context: Context) -> None:
        """A receiver has taken something for processing."""
        if credit.epoch == self.epoch:
            self.outlets[credit.channel].credit(credit.records, credit.size)
            self.pump(context)
            self.work(context)

    def finish(self, context: Context) -> None:
        """The input has ended, and everything was processed."""
        self.ended = True
        self.offer(End())
        self.pump(context)
        context.send(context.parent, m.AtEnd(self.epoch, self.spec.id, ended=True))

    # --- timers in processing time ---------------------------------------------------------------------------------

    def _tick_for_timers(self, context: Context) -> None:
        due = self._next_processing_time()
        if due is not None and not self._ticking:
            self._ticking = True
            context.schedule(max(due - context.now(), 1_000), m.Tick(self.epoch))

    def _next_processing_time(self) -> Instant | None:
        dues = [stage.next_processing_time() for stage in self.stages.all if isinstance(stage, ProcessStage)]
        return min((due for due in dues if due is not None), default=None)

    @receives(m.Tick)
    def on_tick(self, tick: m.Tick, context: Context) -> None:
        """Fire what is due by the clock."""
        if tick.epoch != self.epoch or not self.running:
            return
        self._ticking = False
        for stage in self.stages.all:
            if isinstance(stage, ProcessStage) and (stage.next_processing_time() or context.now() + 1) <= context.now():
                self.dirty(context)
                stage.fire_processing_time(context.now())
        self.after(context)

    # --- sinks -----------------------------------------------------------------------------------------------------

    def _send_lane(self, context: Context, stage: TopicSinkStage, lane: Lane) -> None:
        """Append what a sink has gathered, as provisional output of the open checkpoint."""
        checkpoint = lane.open_checkpoint
        for partition, gathered in stage.take().items():
            data, last_sequence = lane.encode(partition, gathered)
            self.records_out += len(gathered.values)
            ref = partition_ref(stage.topic.name, partition)
            self._watch(context, ref)

            def answered(appended: Any, partition: int = partition, last_sequence: int = last_sequence) -> None:
                lane.appended(checkpoint, partition, last_sequence, appended.end_offset)
                self._flush_lane_if_sealed(context, lane)
                self.work(context)

            self.questions.ask(context, ref, Append(batches=data), answered)

    def _flush_lane_if_sealed(self, context: Context, lane: Lane) -> None:
        """All appends of a sealed checkpoint are answered: make them durable, then its cuts are known."""
        pending = self._pending
        token = f"lane {lane.name}"
        if pending is None or not pending.waits_for(token) or not lane.is_answered(pending.checkpoint):
            return
        cuts = lane.take_cuts(pending.checkpoint)
        if cuts is None:
            return  # They are being flushed already.
        left = dict.fromkeys(cuts)

        def flushed(partition: int) -> None:
            del left[partition]
            if not left:
                self._settle(context, pending, token)

        for partition, cut in cuts.items():
            pending.sinks.setdefault(f"{lane.topic}-{partition}", {})[lane.name] = cut
            ref = partition_ref(lane.topic, partition)
            self.questions.ask(context, ref, Flush(cut.last_offset + 1), partial(_call, flushed, partition))
        if not cuts:
            self._settle(context, pending, token)

    # --- checkpoints -----------------------------------------------------------------------------------------------

    def barrier(self, context: Context, checkpoint: int) -> None:
        """Everything before this belongs to `checkpoint`, what follows to the next."""
        assert self._pending is None, "two checkpoints in flight"
        pending = self._pending = Pending(checkpoint)
        self._dirty = False
        self.describe(context, pending)
        self.offer(Barrier(checkpoint))
        self.pump(context)
        pending.wait("barrier")  # Until everything that must be waited for has been named.
        self._seal_lanes(context, pending)
        self._seal_files(context, pending)
        self._seal_state(context, pending)
        self._settle(context, pending, "barrier")

    def _seal_lanes(self, context: Context, pending: Pending) -> None:
        for stage, lane in self.lanes:
            self._send_lane(context, stage, lane)
            lane.seal(pending.checkpoint)
            pending.wait(f"lane {lane.name}")
            self._flush_lane_if_sealed(context, lane)

    def _seal_files(self, context: Context, pending: Pending) -> None:
        epoch = self.epoch
        for sink, file in self.files:
            file.write(sink.take())
            handle, prepare = file.seal(pending.checkpoint)
            if handle is not None:
                pending.handles[file.name] = (handle,)
                token = f"file {file.name}"
                pending.wait(token)
                context.background(prepare, lambda _, token=token: m.Done(epoch, token))  # type: ignore[misc]

    def _seal_state(self, context: Context, pending: Pending) -> None:
        changes = {name: table.seal(pending.checkpoint) for name, table in self._tables().items()}
        changes = {name: some for name, some in changes.items() if some}
        if not changes:
            return
        records: StateRecords = encode_state(changes, context.now())
        pending.wait(CHANGELOG)

        def appended(answer: Any) -> None:
            pending.state.update(records.ranges(answer.first_offset))
            self._settle(context, pending, CHANGELOG)

        self.questions.ask(context, self._changelog(), Append(batches=records.batches, flush=True), appended)

    def wait_for_input(self, context: Context, pending: Pending, ref: Ref, up_to: int) -> None:
        """A checkpoint that names a position needs the input durable up to there."""
        pending.wait(INPUT)
        self.questions.ask(context, ref, Flush(up_to), lambda _: self._settle(context, pending, INPUT))

    @receives(m.Done)
    def on_done(self, done: m.Done, context: Context) -> None:
        """Background work is done."""
        if done.epoch != self.epoch:
            return
        if done.token == "recovery":
            context.send(context.parent, m.Prepared(self.epoch, self.spec.id))
        elif done.token.startswith("commit "):
            checkpoint = int(done.token.removeprefix("commit "))
            context.send(context.parent, m.CommitDone(self.epoch, checkpoint, self.spec.id))
        elif self._pending is not None:
            self._settle(context, self._pending, done.token)

    def _settle(self, context: Context, pending: Pending, token: str) -> None:
        pending.done(token)
        if pending is self._pending and pending.is_ready():
            self._pending = None
            context.send(context.parent, pending.ack(self.epoch, self.spec.id, self.progress()))

    @receives(m.Committed)
    def on_committed(self, committed: m.Committed, context: Context) -> None:
        """The checkpoint is decided: its layer becomes the base, its files visible."""
        if committed.epoch != self.epoch:
            return
        for table in self._tables().values():
            table.commit(committed.checkpoint)
        epoch, checkpoint = self.epoch, committed.checkpoint
        work = [one for _, file in self.files for one in file.commits(checkpoint)]
        if not work:
            context.send(context.parent, m.CommitDone(epoch, checkpoint, self.spec.id))
            return

        def commit() -> None:
            for one in work:
                one()

        context.background(commit, lambda _: m.Done(epoch, f"commit {checkpoint}"))

    # --- the log ---------------------------------------------------------------------------------------------------

    @receives(Appended)
    def on_appended(self, answer: Appended, context: Context) -> None:
        """An answer of a partition."""
        self.questions.answer(answer)

    @receives(Flushed)
    def on_flushed(self, answer: Flushed, context: Context) -> None:
        """An answer of a partition."""
        self.questions.answer(answer)

    @receives(Fetched)
    def on_fetched(self, answer: Fetched, context: Context) -> None:
        """An answer of a partition."""
        self.questions.answer(answer)

    @receives(Refused)
    def on_refused(self, answer: Refused, context: Context) -> None:
        """A partition says no."""
        self.questions.answer(answer)

    @receives(Terminated)
    def on_terminated(self, terminated: Terminated, context: Context) -> None:
        """A partition that this task uses has ended: what was asked of it may be lost, so begin a new epoch."""
        raise JobFailed(f"the partition {terminated.ref.path} ended: {terminated.reason}")

    def _watch(self, context: Context, ref: Ref) -> None:
        if ref not in self._watched:
            self._watched[ref] = None
            context.watch(ref)

    def watch(self, context: Context, ref: Ref) -> None:
        """Be told when a partition ends."""
        self._watch(context, ref)

    def _changelog(self) -> Ref:
        return partition_ref(changelog_topic(self.spec.job.name), 0)

    def _tables(self) -> dict[str, Any]:
        """All state tables by their name in the job."""
        return {f"{stage.name}/{table.name}": table for stage in self.stages.all for table in stage.tables}

    def tables(self) -> dict[str, Any]:
        """All state tables by their name in the job."""
        return self._tables()

    def changelog(self) -> Ref:
        """The partition that holds the changes of the job's state."""
        return self._changelog()

    def progress(self) -> m.Progress:
        """How far this task is."""
        windows = sum(stage.open_windows() for stage in self.stages.all if isinstance(stage, PanesStage))
        return m.Progress(self.records_in, self.records_out, self.watermark(), windows)

    def observe(self) -> dict[str, Any]:
        """How far this task is."""
        progress = self.progress()
        return {field: getattr(progress, field) for field in progress.__struct_fields__}
