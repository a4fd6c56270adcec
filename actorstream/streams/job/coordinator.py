"""The coordinator of a job: one actor that opens epochs, triggers checkpoints, decides them, and recovers.

Theory of operation. It begins by reading the job's log and opening a new epoch there, which ends every earlier attempt.
Its tasks are its children, each spawned once and prepared for each epoch: a task that lives rolls back in memory, one
that died is made anew and loads. When all are prepared, all resume. Every interval in which something happened, sources
are told to emit a barrier; when every task has answered, one conditional append to the job's log commits positions,
state and output together. Markers and two-phase commits follow from it. If a task ends, the next epoch begins.

An error of the user's program, or a person's mistake, ends the job; so do too many failures in a short time.

Source: Carbone et al., "State management in Apache Flink" (VLDB 2017), with one decision log in place of a two-phase
commit.
"""

from __future__ import annotations

from functools import partial
from typing import Any, get_args

from actorstream.actors import Actor, Context, Crash, Ref, Terminated, receives
from actorstream.actors.restarts import Restarts
from actorstream.actors.specification import Intensity
from actorstream.errors import ActorstreamError, Fenced, JobFailed, Mistake, OperatorError
from actorstream.log.client import Refused, job_topic, partition_ref
from actorstream.model.duration import duration_us
from actorstream.streams.job import messages as m
from actorstream.streams.job.answers import LogAnswer
from actorstream.streams.job.checkpoints import Checkpoints
from actorstream.streams.job.follow_up import FollowUp
from actorstream.streams.job.opening import Opening, decision_append
from actorstream.streams.job.placing import is_there, start_task
from actorstream.streams.job.questions import Questions
from actorstream.streams.job.restoring import restore_of
from actorstream.streams.job.savepoints import Savepoints
from actorstream.streams.job.spec import JobSpec, TaskSpec, actor_name, task_specs
from actorstream.streams.job.times import Times

PREPARE_WITHIN_US = duration_us("10m")
"""How long tasks may take to roll back or load before the coordinator gives them up."""

RETRY_AFTER_US = duration_us("50ms")

DRAIN_WITHIN_US = duration_us("10s")
"""How long a job that is told to stop waits for coroutines before it cancels them."""

CoordinatorMessage = (
    m.Prepared
    | m.Ack
    | m.CommitDone
    | m.Dirty
    | m.TableLoaded
    | m.AtEnd
    | m.TriggerDue
    | m.RetryDue
    | m.PrepareOverdue
    | m.StopJob
    | m.DrainOverdue
    | m.Leave
    | m.TakeSavepoint
    | m.GetStatus
    | m.Moved
    | m.WhyOpen
    | m.TaskTime
    | Terminated
    | LogAnswer
)


class Coordinator(Actor, accepts=CoordinatorMessage):
    """See the module."""

    def __init__(self, job: JobSpec) -> None:
        self._job = job
        self._questions = Questions()
        self._state = "starting"
        self._failure: ActorstreamError | None = None
        self._tasks: dict[str, TaskSpec] = {}
        self._refs: dict[str, Ref] = {}
        self._alive: set[str] = set()
        self._checkpoints = Checkpoints((), 0)
        self._prepared: set[str] = set()
        self._ended: set[str] = set()
        self._at_end: set[str] = set()
        self._loaded: set[str] = set()
        self._following: FollowUp | None = None
        self._progress: dict[str, m.Progress] = {}
        self._failures = Restarts(Intensity(job.settings.restarts_max, job.settings.restarts_within_us))
        self._dirty = False
        self._stopping = False
        self._last = False  # the checkpoint in flight is the job's last
        self._scheduled = False
        self._decided = 0
        self._restarts = 0
        self._decided_at: int | None = None
        self._savepoints = Savepoints(self._questions)
        self._times = Times(job, self._refs)

    def started(self, context: Context) -> None:
        for spec in task_specs(self._job, context.path):
            self._tasks[spec.id] = spec
            self._refs[spec.id] = Ref(f"{context.path}/{actor_name(spec.id)}")
        prepare, refuse = partial(self._prepare, context), partial(self._fail, context)
        self._opening = Opening(self._job, self._questions, context, prepare, refuse)
        self._opening.start()

    # --- epochs ----------------------------------------------------------------------------------------------------

    @property
    def _epoch(self) -> int:
        return self._opening.history.last_epoch

    def _prepare(self, context: Context) -> None:
        """An epoch is open: get all tasks ready."""
        if any(is_there(context, ref) for task, ref in self._refs.items() if task not in self._alive):
            self._retry_later(context)
            return
        self._state = "starting"
        self._prepared, self._ended, self._at_end, self._loaded = set(), set(), set(), set()
        self._following = None
        self._last = self._scheduled = False
        self._times.begin()
        history = self._opening.history
        assert history.epoch is not None
        self._checkpoints = Checkpoints(self._tasks, history.epoch.first_checkpoint)
        prepare = m.Prepare(
            epoch=self._epoch,
            first_checkpoint=history.epoch.first_checkpoint,
            lanes=self._opening.producer_ids(),
            restore=restore_of(history),
            ends=self._opening.ends,
        )
        for task, spec in self._tasks.items():
            if task not in self._alive:
                self._spawn(context, task, spec)
            context.send(self._refs[task], prepare)
        context.schedule(PREPARE_WITHIN_US, m.PrepareOverdue(self._epoch))

    def _spawn(self, context: Context, task: str, spec: TaskSpec) -> None:
        ref = start_task(context, spec)
        assert ref == self._refs[task]
        self._alive.add(task)
        context.watch(ref)

    @receives(m.Prepared)
    def on_prepared(self, prepared: m.Prepared, context: Context) -> None:
        """A task is ready; when all are, all go on."""
        if prepared.epoch != self._epoch or self._state != "starting":
            return  # Too late: a task has ended since, and the next epoch is on its way.
        self._prepared.add(prepared.task)
        if len(self._prepared) == len(self._tasks):
            self._state = "running"
            self._times.resume(context)
            for ref in self._refs.values():
                context.send(ref, m.Resume(self._epoch))
            if self._stopping:
                self._take_last(context)

    @receives(m.PrepareOverdue)
    def on_prepare_overdue(self, overdue: m.PrepareOverdue, context: Context) -> None:
        """Give up on tasks that do not get ready; a new coordinator begins with new ones."""
        if overdue.epoch == self._epoch and self._state == "starting":
            missing = ", ".join(task for task in self._tasks if task not in self._prepared)
            raise JobFailed(f"job {self._job.name!r}: not ready after {PREPARE_WITHIN_US // 1_000_000} s: {missing}")

    @receives(Terminated)
    def on_terminated(self, terminated: Terminated, context: Context) -> None:
        """A task has ended: the job fails, or its next epoch begins."""
        task = next((one for one, ref in self._refs.items() if ref.path == terminated.ref.path), None)
        if task is None:
            self._on_log_terminated(terminated, context)
            return
        self._alive.discard(task)
        if self._state in ("finished", "failed"):
            return
        error = terminated.reason.error if isinstance(terminated.reason, Crash) else None
        if isinstance(error, OperatorError | Mistake):
            self._fail(context, error)
        elif self._state == "recovering":
            return  # One failure, such as the loss of a node, often ends many tasks.
        elif not self._failures.allow(context.now()):
            self._fail(
                context,
                JobFailed(f"job {self._job.name!r} failed too often; last: {task}: {error or terminated.reason}"),
            )
        else:
            self._restarts += 1
            self._retry_later(context)

    def _retry_later(self, context: Context) -> None:
        self._state = "recovering"
        context.schedule(RETRY_AFTER_US, m.RetryDue())

    def _on_log_terminated(self, terminated: Terminated, context: Context) -> None:
        """A part of the log has ended, and a question to it may be lost.

        While tasks run, those that use it end too, and the next epoch asks again; otherwise begin from the beginning.
        """
        if self._state == "failed":
            self._report(context, self._failure)  # The end cannot be written down; the next opening settles it.
        elif self._state != "running" or terminated.ref.path == self._log().path:
            raise JobFailed(f"{terminated.ref.path} ended: {terminated.reason}")

    @receives(m.RetryDue)
    def on_retry_due(self, due: m.RetryDue, context: Context) -> None:
        """Begin the next epoch."""
        if self._state != "recovering":
            return
        self._questions.drop_all()
        opening = self._opening
        opening.read_history(lambda: opening.open_epoch("a task ended", lambda: self._prepare(context)))

    # --- checkpoints -----------------------------------------------------------------------------------------------

    @receives(m.Dirty)
    def on_dirty(self, dirty: m.Dirty, context: Context) -> None:
        """There is something to checkpoint."""
        if dirty.epoch == self._epoch:
            self._dirty = True
            self._schedule_trigger(context)

    def _schedule_trigger(self, context: Context) -> None:
        if self._scheduled or self._checkpoints.in_flight is not None or self._state != "running":
            return
        self._scheduled = True
        since = context.now() - self._checkpoints.triggered_at
        interval = self._job.settings.checkpoint_us
        wait = max(interval - since, 0) if self._checkpoints.triggered_at else interval
        context.schedule(max(wait, 1), m.TriggerDue(self._epoch))

    @receives(m.TriggerDue)
    def on_trigger_due(self, due: m.TriggerDue, context: Context) -> None:
        """The interval is over."""
        if due.epoch == self._epoch and self._state == "running":
            self._scheduled = False
            if self._checkpoints.in_flight is None and (self._dirty or self._savepoints.are_wanted()):
                self._trigger(context)

    def _trigger(self, context: Context) -> None:
        self._dirty = False
        checkpoint = self._checkpoints.trigger(context.now())
        for task, spec in self._tasks.items():
            if spec.task.is_source:
                context.send(self._refs[task], m.Trigger(self._epoch, checkpoint))

    def _take_last(self, context: Context) -> None:
        """Take the job's last checkpoint, once none is in flight."""
        if self._checkpoints.in_flight is None and not self._last and self._state == "running":
            self._last = True
            self._trigger(context)

    @receives(m.Ack)
    def on_ack(self, ack: m.Ack, context: Context) -> None:
        """A task's part is safe; with the last one the checkpoint can be decided."""
        if ack.epoch != self._epoch or self._state != "running":
            return
        self._progress[ack.task] = ack.progress
        if not self._checkpoints.ack(ack):
            return
        history, plan_hash = self._opening.history, self._job.plan.plan_hash
        done = self._opening.schemas.added_to(self._checkpoints.done(self._epoch, plan_hash, context.now()), history)

        def decided(answer: Any) -> None:
            history.apply(done, answer.first_offset)
            self._follow_up(context)

        self._questions.ask(context, self._log(), decision_append(done, history.end, done.at_us), decided, self._moved)

    def _follow_up(self, context: Context) -> None:
        """The checkpoint is decided."""
        self._decided += 1
        self._decided_at = context.now()
        self._following = FollowUp(context, self._opening.history, self._refs, lambda: self._followed_up(context))
        self._following.start(self._questions)

    @receives(m.CommitDone)
    def on_commit_done(self, done: m.CommitDone, context: Context) -> None:
        """A task has committed its files."""
        current = done.epoch == self._epoch and done.checkpoint == self._checkpoints.in_flight
        if current and self._following is not None:
            self._following.done(done.task)

    def _followed_up(self, context: Context) -> None:
        """Everything that follows from the checkpoint is done: go on to the next, or end."""
        self._following = None
        self._savepoints.name_one(context, self._log(), self._opening.history, lambda: self._go_on(context))

    def _go_on(self, context: Context) -> None:
        self._checkpoints.decided()
        if self._last:
            self._finish(context)
        elif self._stopping or self._is_complete():
            self._take_last(context)
        elif self._dirty or self._savepoints.are_wanted():
            self._schedule_trigger(context)

    # --- tables, the end -------------------------------------------------------------------------------------------

    @receives(m.TableLoaded)
    def on_table_loaded(self, loaded: m.TableLoaded, context: Context) -> None:
        """A table is read; sources that waited only for it may start."""
        if loaded.epoch != self._epoch:
            return
        self._loaded.add(loaded.task)
        for task, spec in self._tasks.items():
            waits_for = spec.waits_for
            if loaded.task in waits_for and all(join in self._loaded for join in waits_for):
                context.send(self._refs[task], m.Go(self._epoch))

    @receives(m.AtEnd)
    def on_at_end(self, at_end: m.AtEnd, context: Context) -> None:
        """A task has nothing more to do; when none has, the job takes its last checkpoint."""
        if at_end.epoch != self._epoch:
            return
        (self._ended if at_end.ended else self._at_end).add(at_end.task)
        if self._is_complete():
            self._take_last(context)

    def _is_complete(self) -> bool:
        sources = [task for task, spec in self._tasks.items() if spec.task.is_source]
        if all(task in self._ended for task in sources):
            return len(self._ended) == len(self._tasks)
        return all(task in self._ended or task in self._at_end for task in sources)

    @receives(m.StopJob)
    def on_stop_job(self, stop: m.StopJob, context: Context) -> None:
        """Drain, commit, stop."""
        self._stopping = True
        self._take_last(context)
        if any(spec.task.is_async for spec in self._tasks.values()):
            context.schedule(DRAIN_WITHIN_US, m.DrainOverdue())

    @receives(m.DrainOverdue)
    def on_drain_overdue(self, overdue: m.DrainOverdue, context: Context) -> None:
        """A coroutine does not return: end without the last checkpoint; the next start calls again."""
        if self._state not in ("finished", "failed"):
            context.log.warning("stopped without a last checkpoint", waited_us=DRAIN_WITHIN_US)
            self._end(context, "finished", "stopped, without waiting longer", None)

    @receives(m.Leave)
    def on_leave(self, leave: m.Leave, context: Context) -> None:
        """Nobody needs this job any more."""
        context.stop()

    def _finish(self, context: Context) -> None:
        self._state = "finished"
        self._opening.open_epoch("finished", lambda: self._report(context, None), stop=True)

    def _fail(self, context: Context, error: ActorstreamError) -> None:
        """Give up, and say why."""
        self._failure = error
        self._end(context, "failed", f"failed: {type(error).__name__}", error)

    def _end(self, context: Context, state: str, reason: str, error: ActorstreamError | None) -> None:
        """Abort what was not decided."""
        self._state = state
        self._questions.drop_all()
        for ref in self._refs.values():
            context.stop(ref)
        opening = self._opening
        opening.read_history(lambda: opening.open_epoch(reason, lambda: self._report(context, error), stop=True))

    def _report(self, context: Context, error: ActorstreamError | None) -> None:
        if self._job.report is not None:
            self._job.report(error)

    # --- event time ------------------------------------------------------------------------------------------------

    @receives(m.Moved)
    def on_moved(self, moved: m.Moved, context: Context) -> None:
        """A split has come further in event time."""
        if moved.epoch == self._epoch:
            self._times.on_moved(context, moved)

    @receives(m.WhyOpen)
    def on_why_open(self, why: m.WhyOpen, context: Context) -> None:
        """Find out who holds something back."""
        self._times.ask(context, why)

    @receives(m.TaskTime)
    def on_task_time(self, time: m.TaskTime, context: Context) -> None:
        """A task says how far it is."""
        self._times.on_task_time(context, time)

    # --- people ----------------------------------------------------------------------------------------------------

    @receives(m.TakeSavepoint)
    def on_take_savepoint(self, take: m.TakeSavepoint, context: Context) -> None:
        """Name the next checkpoint."""
        self._savepoints.ask(take.name, context.sender)
        self._schedule_trigger(context)

    @receives(m.GetStatus)
    def on_get_status(self, question: m.GetStatus, context: Context) -> None:
        """Say how the job is doing."""
        context.reply(
            m.JobStatus(
                job=self._job.name,
                state=self._state,
                epoch=self._epoch,
                checkpoint=self._opening.history.last_checkpoint,
                checkpoints=self._decided,
                restarts=self._restarts,
                progress=dict(self._progress),
                age_us=None if self._decided_at is None else context.now() - self._decided_at,
                error="" if self._failure is None else str(self._failure),
            )
        )

    def observe(self) -> dict[str, Any]:
        """State, epoch and checkpoint; who has not answered."""
        return {
            "state": self._state,
            "epoch": self._epoch,
            "checkpoint": self._opening.history.last_checkpoint,
            "missing": self._checkpoints.missing(),
        }

    # --- answers of the log ----------------------------------------------------------------------------------------

    @receives(*get_args(LogAnswer))
    def on_answer(self, answer: Any, context: Context) -> None:
        """An answer to a question."""
        try:
            self._questions.answer(answer)
        except Fenced as error:
            self._give_way(context, error)
        except Mistake as error:
            if self._state == "failed":  # Not even the end can be written down; the next opening settles it.
                self._report(context, self._failure)
            else:
                self._fail(context, error)

    def _moved(self, refused: Refused) -> None:
        raise Fenced(f"job {self._job.name!r}: another coordinator took over ({refused.reason})")

    def _give_way(self, context: Context, error: Fenced) -> None:
        """Another coordinator took over: end, or the two would take the job from each other for ever."""
        self._state = "failed"
        self._failure = error
        self._questions.drop_all()
        for ref in self._refs.values():
            context.stop(ref)
        self._report(context, error)

    def _log(self) -> Ref:
        return partition_ref(job_topic(self._job.name), 0)
