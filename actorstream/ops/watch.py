"""Watching a job until it ends: a live picture on a terminal, a line now and then elsewhere, a summary at the end."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from actorstream.errors import ActorstreamError, AskTimeout
from actorstream.ops.show import age, counted, say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actorstream.streams.app import App
    from actorstream.streams.job.handle import Job
    from actorstream.streams.job.messages import JobStatus

REFRESH: Final = "250ms"
RATE_SECONDS: Final = 5.0
QUIET_SECONDS: Final = 60.0
"""How often a line is written where there is no terminal."""


class Counts(NamedTuple):
    """What a job has done since it was started."""

    records_in: int
    records_out: int
    open_windows: int
    late_records: int
    checkpoints: int
    missing_records: int = 0
    duplicate_records: int = 0


def watch(app: App, job: Job, data: str) -> JobStatus:
    """Show how the job is doing until it has ended; gives how it was doing last.

    Raises:
        ActorstreamError: what it failed with.
    """
    sources, begun = _source_tasks(app), monotonic()
    with _view(app, job, data, sources) as show:
        while not _has_ended(job):
            status = _status(job)
            if status is not None:
                show(status)
    status = job.status()
    say(_summary(status, count(status, sources), monotonic() - begun))
    return status


def count(status: JobStatus, sources: list[str]) -> Counts:
    """The job's progress in sum; `sources` are the names of its source tasks."""
    tasks = status.progress
    read = [one for task, one in tasks.items() if task.rpartition("[")[0] in sources]
    return Counts(
        sum(one.records_in for one in read),
        sum(one.records_out for one in tasks.values()),
        sum(one.open_windows for one in tasks.values()),
        sum(one.late_records for one in tasks.values()),
        status.checkpoints,
        sum(one.missing_records for one in tasks.values()),
        sum(one.duplicate_records for one in tasks.values()),
    )


def _has_ended(job: Job) -> bool:
    try:
        job.wait(REFRESH)
    except AskTimeout:
        return False
    return True


def _status(job: Job) -> JobStatus | None:
    try:
        return job.status()
    except ActorstreamError:
        return None  # It is too busy, or has just ended, which the next look tells.


def _source_tasks(app: App) -> list[str]:
    from actorstream.streams.job.planning import job_spec
    from actorstream.streams.job.spec import Settings

    return [task.name for task in job_spec(app._program, Settings()).plan.tasks if task.is_source]


def _summary(status: JobStatus, done: Counts, seconds: float) -> str:
    said = [
        f"{counted(done.records_in, 'record')} in",
        counted(done.checkpoints, "checkpoint"),
        f"{counted(done.open_windows, 'open window')} left",
        counted(done.late_records, "late record"),
    ]
    if done.missing_records or done.duplicate_records:
        said.append(
            f"{counted(done.missing_records, 'number')} missing, {counted(done.duplicate_records, 'duplicate')}"
        )
    if status.restarts:
        said.append(counted(status.restarts, "restart"))
    return f"{status.job}: {', '.join(said)}, in {seconds:.1f} s"


# --- the picture -----------------------------------------------------------------------------------------------------


@contextmanager
def _view(app: App, job: Job, data: str, sources: list[str]) -> Iterator[Any]:
    """A function that shows a status."""
    if sys.stderr.isatty():
        with _Terminal(app, job, data, sources) as show:
            yield show
    else:
        say(f"job {app.name} runs; Ctrl-C drains, commits and ends it")
        yield _Quiet(sources).show


class _Quiet:
    """A line a minute."""

    def __init__(self, sources: list[str]) -> None:
        self._sources = sources
        self._last = monotonic()

    def show(self, status: JobStatus) -> None:
        """Write a line if it is time."""
        if monotonic() - self._last >= QUIET_SECONDS:
            self._last = monotonic()
            done = count(status, self._sources)
            records, checkpoints = counted(done.records_in, "record"), counted(done.checkpoints, "checkpoint")
            say(f"{status.job}: {status.state}, {records} in, {checkpoints}")


class _Terminal:
    """A table that is drawn anew: rate, lag and event time of each source, checkpoints, windows."""

    def __init__(self, app: App, job: Job, data: str, sources: list[str]) -> None:
        from rich.console import Console
        from rich.live import Live

        self._app, self._data, self._sources = app, data, sources
        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
        self._seen: dict[str, deque[tuple[float, int]]] = {}
        self._lag: Any = None

    @contextmanager
    def _open(self) -> Iterator[Any]:
        from actorstream.log.client import open_transport

        transport = open_transport(self._data, create=False)
        try:
            self._lag = _Lag(transport, self._app.name)
            with self._live:
                yield self.show
        finally:
            transport.close()

    def __enter__(self) -> Any:
        self._opened = self._open()
        return self._opened.__enter__()

    def __exit__(self, *failure: Any) -> Any:
        return self._opened.__exit__(*failure)

    def show(self, status: JobStatus) -> None:
        """Draw the table anew."""
        self._live.update(self._picture(status), refresh=True)

    def _picture(self, status: JobStatus) -> RenderableType:
        from rich.console import Group
        from rich.table import Table

        done = count(status, self._sources)
        table = Table(box=None)
        for column in ("source", "records", "a second", "behind"):
            table.add_column(column, justify="left" if column == "source" else "right")
        lags = self._lag.by_source()
        for source in self._sources:
            records = sum(one.records_in for task, one in status.progress.items() if task.rpartition("[")[0] == source)
            lag = lags.get(source)
            table.add_row(
                source, f"{records:,}", f"{self._rate(source, records):,.0f}", "-" if lag is None else f"{lag:,}"
            )
        last = "" if status.age_us is None else f", the last {age(status.age_us)} ago"
        checkpoints, windows = counted(done.checkpoints, "checkpoint"), counted(done.open_windows, "open window")
        below = f"{checkpoints}{last}; {windows}; Ctrl-C ends it"
        return Group(f"{status.job}: {status.state}", table, below)

    def _rate(self, source: str, records: int) -> float:
        """Records a second over the last few seconds."""
        now = monotonic()
        seen = self._seen.setdefault(source, deque())
        seen.append((now, records))
        while seen[0][0] < now - RATE_SECONDS:
            seen.popleft()
        begun, before = seen[0]
        return (records - before) / (now - begun) if now > begun else 0.0


class _Lag:
    """How many records lie ahead of each source, by its last checkpoint."""

    def __init__(self, transport: Any, job: str) -> None:
        self._transport, self._job = transport, job
        self._log: Any = None

    def by_source(self) -> dict[str, int]:
        """Sources that read topics, and their lag; empty before the job's first checkpoint."""
        from actorstream.ops.joblog import JobLog

        try:
            if self._log is None:
                self._log = JobLog(self._transport, self._job)
            self._log.refresh()
            positions = self._log.positions()
        except ActorstreamError:
            return {}  # The job has not begun to keep a log.
        lags: dict[str, int] = {}
        for one in positions:
            if one.lag_records is not None:
                lags[one.topic] = lags.get(one.topic, 0) + one.lag_records
        return lags
