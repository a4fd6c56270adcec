"""A task: one actor that runs the stages of some operators, between its channels.

This is the half that sources and inner tasks share: stages, outlets, sinks, checkpoints, recovery. What brings the
batches is added by `source_task` and `inner_task`. An epoch begins with `Prepare` (roll back or load), and work begins
with `Resume`. Everything that belongs to an earlier epoch is dropped.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from actorstream.actors import Actor, Context, ExitReason, Ref, Terminated, receives
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
from actorstream.streams.engine.match import MatchStage
from actorstream.streams.engine.process import ProcessStage
from actorstream.streams.engine.sinks import TopicSinkStage
from actorstream.streams.engine.two_phase_sink import TwoPhaseSinkStage
from actorstream.streams.engine.window_stage import WindowStage
from actorstream.streams.job import messages as m
from actorstream.streams.job.elements import Barrier, End
from actorstream.streams.job.file_writers import COMMIT, RECOVERY, FileWriters
from actorstream.streams.job.log_writers import LogWriters
from actorstream.streams.job.outlets import Outlets
from actorstream.streams.job.pending import Pending
from actorstream.streams.job.progress import progress_of
from actorstream.streams.job.questions import Questions
from actorstream.streams.job.restoring import Restoring
from actorstream.streams.job.slices import Slices
from actorstream.streams.job.spec import TaskSpec
from actorstream.streams.job.state_writer import StateWriter
from actorstream.streams.job.stores import TaskStores
from actorstream.streams.job.task_order import TaskOrder, spec_of
from actorstream.streams.plan.physical import lane_name
from actorstream.streams.store.changelog import encode_state

CHANGELOG = "changelog"
INPUT = "input"


class Task(Actor):
    """See the module."""

    def __init__(self, order: TaskSpec | TaskOrder) -> None:
        self._order = order
        self._is_furnished = False

    def furnish(self, spec: TaskSpec) -> None:
        """Make what this task consists of, but for its stages."""
        self.spec = spec
        self.questions = Questions()
        self.epoch = 0
        self.running = False
        self.ended = False
        self.records_in = 0
        self.outlets = Outlets(spec)
        self.log = LogWriters(self.questions, self.watch, self.work, self._settle)
        self.files = FileWriters(spec.job.name)
        self.stores = TaskStores(spec)
        self.state_writer = StateWriter(
            spec.job.settings.base_after_changes, spec.groups, spec.job.settings.base_piece_entries
        )
        self._fresh = True  # nothing was loaded into the state yet
        self._pending: Pending | None = None
        self._scheduled = False
        self._dirty = False
        self._ticking = False
        self._waking = False
        self._watched: dict[Ref, None] = {}
        self._slices = Slices(spec.job.settings.slice_records)
        self._log_at: dict[str, int] = {}  # operator → the count of records left out that is logged next
        self._later: deque[Callable[[], None]] = deque()  # See `once_through`; a few at most, as no input is taken.

    def started(self, context: Context) -> None:
        self.furnish(spec_of(self._order, context.host))
        self._is_furnished = True
        now = context.now
        self.stages = Stages(self.spec.task, now, self.spec.reads_time, self.spec.groups)
        self.outlets.attach(self.stages)
        self.stores.open(context.host.disk, self.tables().values())
        for node in self.spec.task.nodes:
            stage = self.stages.of(node)
            if isinstance(stage, TopicSinkStage):
                self.log.add(stage, lane_name(node, self.spec.instance))
            elif isinstance(stage, TwoPhaseSinkStage):
                self.files.add(stage, lane_name(node, self.spec.instance))

    def stopped(self, context: Context, reason: ExitReason) -> None:
        if self._is_furnished:
            self.close()

    def close(self) -> None:
        """Let go of what is open."""
        self.stores.close()

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
        self.running = self.ended = self._scheduled = self._dirty = self._ticking = self._waking = False
        self._pending = None
        self._later.clear()
        self._slices.clear()
        self.questions.drop_all()
        self.outlets.reset()
        self.log.begin(prepare)
        self.watch(context, self.changelog())
        if self._fresh:
            then = partial(self._prepared, context, prepare)
            loading = Restoring(self.questions, self.changelog(), self.tables(), self.state_writer, then)
            loading.start(context, prepare.restore, self.spec.groups)
        else:
            for table in self.tables().values():
                table.commit(prepare.restore.checkpoint)
                table.rollback()
            self._prepared(context, prepare)

    def _prepared(self, context: Context, prepare: m.Prepare) -> None:
        self._fresh = False
        for stage in self.stages.all:
            stage.restored()
        self.begin(context, prepare)
        if not self.files.begin(context, prepare):
            context.send(context.parent, m.Prepared(self.epoch, self.spec.id))

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
            if isinstance(stage, WindowStage | MatchStage):
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
        """Process one thing; come back for the next, so that other messages get their turn.

        A stage that has paused goes on, when what it made last has had credit, before any other input is taken.
        """
        if message.epoch != self.epoch or not self.running:
            return
        self._scheduled = False
        if not self._may_take():
            return
        if self.stages.resume(context.now()):
            self._do_later()
        elif self.stages.are_paused():
            self._wake_later(context)
            return
        elif self._slices.is_under_way:
            self._push_slice(context)
        elif not self.step(context):
            return
        self.after(context)
        self.work(context)

    def _wake_later(self, context: Context) -> None:
        until = self.stages.waits_until()
        if until is not None and not self._waking:
            self._waking = True
            context.schedule(max(until - context.now(), 1_000), m.Wake(self.epoch))

    @receives(m.Wake)
    def on_wake(self, wake: m.Wake, context: Context) -> None:
        """What a stage waited for may have come."""
        if wake.epoch == self.epoch:
            self._waking = False
            self.work(context)

    def push(self, context: Context, batch: Batch, push: Callable[[Batch], None]) -> None:
        """Push a batch into the stages; a long one in slices, the next of which follow before any other input."""
        self._slices.begin(batch, push)
        self._push_slice(context)

    def _push_slice(self, context: Context) -> None:
        self._slices.push_next(context.host.clock.monotonic_us)
        self._do_later()

    def _is_through(self) -> bool:
        return not self._slices.is_under_way and not self.stages.are_paused()

    def once_through(self, action: Callable[[], None]) -> None:
        """Do this when all that was pushed into the stages has come out of them: at once, if none has paused."""
        self._later.append(action)
        self._do_later()

    def _do_later(self) -> None:
        while self._later and self._is_through():
            self._later.popleft()()

    def _may_take(self) -> bool:
        return not self.outlets.are_blocked() and self.log.may_take_more()

    def after(self, context: Context) -> None:
        """Something was processed: send and write what may go."""
        self.pump(context)
        gathered_max = self.spec.job.settings.gather_records
        self.log.send_full(context, gathered_max)
        self.files.write_full(gathered_max)
        self._tick_for_timers(context)
        self._log_failures(context)
        if not self._is_through():
            self.work(context)

    def _log_failures(self, context: Context) -> None:
        """One line for each operator's 1st, 2nd, 4th, 8th, ... record that a policy left out."""
        for stage in self.stages.all:
            count = stage.skipped + stage.dead_letters
            if count >= self._log_at.get(stage.name, 1):
                self._log_at[stage.name] = 1 << count.bit_length()
                context.log.warning(
                    "records left out", skipped=stage.skipped, dead_letters=stage.dead_letters, last=stage.last_failure
                )

    def dirty(self, context: Context) -> None:
        """Something happened that a checkpoint should hold; said once between two barriers."""
        if not self._dirty:
            self._dirty = True
            context.send(context.parent, m.Dirty(self.epoch))

    def has_changed(self) -> bool:
        """Whether state or output differs from that of the last barrier."""
        return (
            self.log.has_gathered() or self.files.has_gathered() or any(t.is_touched() for t in self.tables().values())
        )

    def pump(self, context: Context) -> None:
        """Send what has credit."""
        self.outlets.pump(context, self.epoch)

    @receives(m.OpenChannel)
    def on_open_channel(self, opened: m.OpenChannel, context: Context) -> None:
        """A receiver is ready."""
        if opened.epoch == self.epoch:
            self.outlets.open(opened)
            self.pump(context)
            self.work(context)

    @receives(m.Credit)
    def on_credit(self, credit: m.Credit, context: Context) -> None:
        """A receiver has taken something for processing."""
        if credit.epoch == self.epoch:
            self.outlets.credit(credit)
            self.pump(context)
            self.work(context)

    def finish(self, context: Context) -> None:
        """The input has ended, and everything was processed."""
        self.ended = True
        self.outlets.offer(End())
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
        self.once_through(lambda: self._fire_timers(context))

    def _fire_timers(self, context: Context) -> None:
        self._ticking = False
        for stage in self.stages.all:
            if isinstance(stage, ProcessStage) and (stage.next_processing_time() or context.now() + 1) <= context.now():
                self.dirty(context)
                stage.fire_processing_time(context.now())
        self.after(context)

    # --- event time ------------------------------------------------------------------------------------------------

    @receives(m.TellTime)
    def on_tell_time(self, tell: m.TellTime, context: Context) -> None:
        """Say how far this task is."""
        state, waits_us = self.time_state(context.now())
        context.reply(m.TaskTime(tell.question, self.spec.id, self.watermark(), state, waits_us))

    def time_state(self, now: Instant) -> tuple[str, int]:
        """What the task's split does, and how long it must be silent yet; see `TaskTime`."""
        return "", 0

    # --- checkpoints -----------------------------------------------------------------------------------------------

    def barrier(self, context: Context, checkpoint: int) -> None:
        """Everything before this belongs to `checkpoint`, what follows to the next."""
        assert self._pending is None, "two checkpoints in flight"
        pending = self._pending = Pending(checkpoint)
        self._dirty = False
        self.describe(context, pending)
        self.outlets.offer(Barrier(checkpoint))
        self.pump(context)
        pending.wait("barrier")  # Until everything that must be waited for has been named.
        self.log.seal(context, pending)
        self.files.seal(context, pending)
        self._seal_state(context, pending)
        self._settle(context, pending, "barrier")

    def _seal_state(self, context: Context, pending: Pending) -> None:
        written = self.state_writer.seal(self.tables(), pending.checkpoint)
        if not written:
            return
        records = encode_state(written, context.now())
        pending.wait(CHANGELOG)

        def appended(answer: Any) -> None:
            pending.state.update(records.ranges(answer.first_offset))
            self._settle(context, pending, CHANGELOG)

        self.questions.ask(context, self.changelog(), Append(batches=records.batches, flush=True), appended)

    def wait_for_input(self, context: Context, pending: Pending, ref: Ref, up_to: int) -> None:
        """A checkpoint that names a position needs the input durable up to there."""
        pending.wait(INPUT)
        self.questions.ask(context, ref, Flush(up_to), lambda _: self._settle(context, pending, INPUT))

    @receives(m.Done)
    def on_done(self, done: m.Done, context: Context) -> None:
        """Background work is done."""
        if done.epoch != self.epoch:
            return
        if done.token == RECOVERY:
            context.send(context.parent, m.Prepared(self.epoch, self.spec.id))
        elif done.token.startswith(COMMIT):
            checkpoint = int(done.token.removeprefix(COMMIT))
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
        for table in self.tables().values():
            table.commit(committed.checkpoint)
        if not self.files.commit(context, committed.checkpoint):
            context.send(context.parent, m.CommitDone(self.epoch, committed.checkpoint, self.spec.id))

    # --- the log ---------------------------------------------------------------------------------------------------

    @receives(Appended, Fetched, Flushed, Refused)
    def on_answer(self, answer: Any, context: Context) -> None:
        """An answer of a partition."""
        self.questions.answer(answer)

    @receives(Terminated)
    def on_terminated(self, terminated: Terminated, context: Context) -> None:
        """A partition that this task uses has ended: what was asked of it may be lost, so begin a new epoch."""
        raise JobFailed(f"the partition {terminated.ref.path} ended: {terminated.reason}")

    def watch(self, context: Context, ref: Ref) -> None:
        """Be told when a partition ends."""
        if ref not in self._watched:
            self._watched[ref] = None
            context.watch(ref)

    def changelog(self) -> Ref:
        """The partition that holds the changes of the job's state."""
        return partition_ref(changelog_topic(self.spec.job.name), 0)

    def tables(self) -> dict[str, Any]:
        """All state tables by their name in the job."""
        return {f"{stage.name}/{table.name}": table for stage in self.stages.all for table in stage.tables}

    def progress(self) -> m.Progress:
        """How far this task is."""
        return progress_of(self.stages.all, self.records_in, self.log.records + self.files.records, self.watermark())

    def observe(self) -> dict[str, Any]:
        """How far this task is."""
        progress = self.progress()
        facts = {field: getattr(progress, field) for field in progress.__struct_fields__}
        return {**facts, "credit": self.outlets.describe()}
