"""A job in this process, over a data directory: start it, wait for it, stop it, look at it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING, Any

from actorstream.actors.nodes.loading import on_data
from actorstream.actors.system import NODES_MAX
from actorstream.errors import ActorTerminated, AskTimeout, JobFailed, PlanError
from actorstream.host import require_rocksdb
from actorstream.log.client import EmbeddedLog
from actorstream.model.duration import duration_us
from actorstream.model.instant import to_instant
from actorstream.streams.engine.failure import reported
from actorstream.streams.job.coordinator import Coordinator
from actorstream.streams.job.holders import Holder, holder
from actorstream.streams.job.messages import (
    GetStatus,
    Holders,
    JobStatus,
    Leave,
    SavepointTaken,
    StateRead,
    StopJob,
    TakeSavepoint,
    WhyOpen,
)
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.program_file import file_of
from actorstream.streams.job.reading import question
from actorstream.streams.job.spec import JobSpec, Settings
from actorstream.streams.job.stores import IN_MEMORY, IN_ROCKSDB, STATES
from actorstream.streams.program import Program
from actorstream.streams.windows import Window

if TYPE_CHECKING:
    from actorstream.actors import Ref

UNTIL = (None, "caught_up", "end")

_LOOK_SECONDS = 0.2  # Between two looks at whether the system itself has failed.
_STATUS_TIMEOUT = "10s"
_STATE_TRIES, _STATE_WAIT_SECONDS = 100, 0.1  # While tasks get ready.
_SAVEPOINT_TIMEOUT = "60s"


class Job:
    """A running job; made by `App.start`. Leaving a `with` block stops it."""

    def __init__(
        self, spec: JobSpec, log: EmbeddedLog, coordinator: Ref, outcome: Future[BaseException | None]
    ) -> None:
        self.name = spec.name
        self._spec = spec
        self._log = log
        self._coordinator = coordinator
        self._outcome = outcome
        self._last_status: JobStatus | None = None
        self._closing = threading.Lock()

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *failure: object) -> None:
        if not self._outcome.done():
            self.stop()
        self._close()

    def wait(self, timeout: str | float | timedelta | None = None) -> None:
        """Until the job has ended: its input has, or it was stopped.

        Args:
            timeout: a duration, or a number of seconds.

        Raises:
            OperatorError, Mistake: see `App.run`.
            JobFailed: it ended for another reason.
            AskTimeout: it has not ended within `timeout`; it goes on.
        """
        left = None if timeout is None else _seconds(timeout)
        while not self._has_ended(_LOOK_SECONDS if left is None else min(left, _LOOK_SECONDS)):
            if left is not None:
                left -= _LOOK_SECONDS
                if left <= 0:
                    raise AskTimeout(f"job {self.name!r} has not ended within {timeout}")
        error = self._result()
        self._close()
        if error is not None:
            raise reported(error)

    def _has_ended(self, seconds: float) -> bool:
        try:
            self._outcome.result(seconds)
        except TimeoutError:
            return self._log.system.failed is not None
        return True

    def _result(self) -> BaseException | None:
        if self._outcome.done():
            return self._outcome.result()
        return JobFailed(f"job {self.name!r} came to a stop: {self._log.system.failed}")

    def stop(self) -> None:
        """Drain, take a last checkpoint, commit it, and end; the next start goes on from there.

        Raises:
            OperatorError, JobFailed: it failed before it could.
        """
        self.ask_to_stop()
        self.wait()

    def ask_to_stop(self) -> None:
        """Begin to stop, and return at once."""
        if not self._outcome.done():
            self._log.system.tell(self._coordinator, StopJob())

    def status(self) -> JobStatus:
        """How the job is doing; after its end, how it was doing last.

        Raises:
            AskTimeout: it is too busy to say.
        """
        if self._last_status is not None:
            return self._last_status
        return self._ask_status()

    def _ask_status(self) -> JobStatus:
        answer = self._log.system.ask(self._coordinator, GetStatus(), timeout=_STATUS_TIMEOUT)
        assert isinstance(answer, JobStatus)
        return answer

    def state(self, operator: str, key: Any, *, decided: bool = False) -> Any:
        """What an operator holds for one key: a copy.

        Of `process` a dict from the names of its states to their contents, of those that hold something; of `reduce`
        and of a running aggregate the result so far, or None; of joins of tables a dict of the values of their sides.

        Args:
            operator: its name, as `app.explain()` shows it.
            key: the key, as `key_by` makes it.
            decided: as of the last checkpoint, which no crash takes back; else as it is at this moment.

        Raises:
            PlanError: there is no such operator in the job, or it keeps nothing that can be read by key.
            BadKey: `key` cannot be a key.
            JobFailed: the job has ended; state can be read while it runs.
            AskTimeout: the job is too busy to say.
        """
        ref, read = question(self._spec, self._coordinator.path, operator, key, decided=decided)
        for _ in range(_STATE_TRIES):
            if self._last_status is not None or self._outcome.done():
                raise JobFailed(f"job {self.name!r} has ended; its state can be read while it runs")
            with suppress(ActorTerminated):
                answer = self._log.system.ask(ref, read, timeout=_STATUS_TIMEOUT)
                assert isinstance(answer, StateRead)
                if answer.is_ready:
                    return answer.value
            self._has_ended(_STATE_WAIT_SECONDS)
        raise AskTimeout(f"job {self.name!r} is not ready yet; ask for its state again")

    def why_open(self, window: Window[Any, Any] | datetime) -> list[Holder]:
        """Who keeps a window from closing: the splits whose watermark has not reached its end, as text for people.

        Empty if nobody does: it is closed, or closes at once, or the job has ended. Where all splits are far enough,
        the operators that have not caught up yet.

        Args:
            window: a window, or the time at which it ends.

        Raises:
            AskTimeout: the job is too busy to say.
        """
        if self._last_status is not None:
            return []
        end = window.end if isinstance(window, Window) else window
        question = WhyOpen(to_instant(end))
        answer = self._log.system.ask(self._coordinator, question, timeout=_STATUS_TIMEOUT)
        assert isinstance(answer, Holders)
        return [holder(one) for one in answer.holders]

    def savepoint(self, name: str) -> int:
        """Take a checkpoint and name it; gives its number. What it needs is never collected.

        Raises:
            AskTimeout: no checkpoint was possible in time.
        """
        answer = self._log.system.ask(self._coordinator, TakeSavepoint(name), timeout=_SAVEPOINT_TIMEOUT)
        assert isinstance(answer, SavepointTaken)
        return answer.checkpoint

    def _close(self) -> None:
        with self._closing:
            if self._last_status is None and self._log.system.failed is None:
                self._last_status = self._ask_status()
                self._log.system.tell(self._coordinator, Leave())
                self._log.close()
            elif self._last_status is None:
                self._last_status = JobStatus(self.name, "failed", 0, 0, 0, 0, {}, None, str(self._log.system.failed))
                self._log.close()


def start(
    program: Program,
    *,
    data: str,
    workers: int,
    checkpoint: str | timedelta,
    until: str | None,
    max_drift: str | timedelta | None,
    state: str = IN_MEMORY,
) -> Job:
    """See `App.start`."""
    on_data()
    settings = _settings(workers, checkpoint, until, max_drift, state)
    if settings.nodes:
        settings = replace(settings, scratch=os.path.join(os.path.realpath(data), "workers"))
    outcome: Future[BaseException | None] = Future()
    spec = job_spec(program, settings, report=lambda error: _report(outcome, error))
    if settings.nodes:
        spec = replace(spec, program=file_of(program))
    log = EmbeddedLog.open(data, nodes=settings.nodes)
    if settings.nodes and log.nodes != settings.nodes:
        log.close()
        raise JobFailed(f"{data} is open in this process with {log.nodes} workers; close what has opened it first")
    try:
        coordinator = log.system.spawn(Coordinator, spec, name=f"job-{spec.name}", restart="transient")
    except ValueError as error:
        log.close()
        raise JobFailed(f"job {spec.name!r} is running already in this process; stop it first") from error
    return Job(spec, log, coordinator, outcome)


def run(program: Program, **options: Any) -> None:
    """See `App.run`; the options are those of `start`."""
    job = start(program, **options)
    with stopped_by_signals(job):
        job.wait()


@contextmanager
def stopped_by_signals(job: Job) -> Iterator[None]:
    """The first SIGINT or SIGTERM asks the job to stop; a second one ends the process at once.

    Signals belong to the main thread; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_DFL)
        job.ask_to_stop()

    before = {one: signal.signal(one, on_signal) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _seconds(timeout: str | float | timedelta) -> float:
    if isinstance(timeout, int | float):
        return float(timeout)
    return duration_us(timeout, what="the timeout of wait") / 1e6


def _settings(
    workers: int, checkpoint: str | timedelta, until: str | None, max_drift: str | timedelta | None, state: str
) -> Settings:
    if not 1 <= workers <= NODES_MAX:
        raise PlanError(f"workers is {workers}; use a number from 1 to {NODES_MAX}")
    if until not in UNTIL:
        raise PlanError(f'until is {until!r}; it is "caught_up" or "end", or left out')
    if state not in STATES:
        raise PlanError(f'state is {state!r}; it is "memory" or "rocksdb"')
    if state == IN_ROCKSDB:
        require_rocksdb()
    return Settings(
        state=state,
        nodes=workers if workers > 1 else 0,
        checkpoint_us=duration_us(checkpoint, what="the checkpoint interval"),
        until=until,
        max_drift_us=0 if max_drift is None else duration_us(max_drift, what="max_drift"),
    )


def _report(outcome: Future[BaseException | None], error: Any) -> None:
    if not outcome.done():
        outcome.set_result(error)
