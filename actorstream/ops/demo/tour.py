"""The demo from end to end: fill the topics, run the job, show what it found.

Guarantees: killed anywhere, the next call goes on from there, and its results are those of a call that was not; when
all is done, the next one only shows them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from actorstream.log.client import EmbeddedLog, Transport
from actorstream.ops.commands.arguments import DEFAULT_DATA
from actorstream.ops.demo import inputs, job
from actorstream.ops.demo.filling import fill
from actorstream.ops.demo.results import summary, where_next, worst_days
from actorstream.ops.demo.state import is_done, remove, remove_remains
from actorstream.ops.show import say
from actorstream.ops.watch import watch
from actorstream.streams.job.handle import stopped_by_signals


def demo(data: str, *, fresh: bool) -> None:
    """Run the demo in the directory `data`, or show the results that are there.

    Args:
        fresh: remove the demo's topics and its job first.

    Raises:
        DirectoryInUse: another process works in the directory.
        BadInput: `fresh`, and the directory holds other things.
        ActorstreamError: the log or the job failed.
    """
    log = EmbeddedLog.open(data)
    transport = log.transport()
    try:
        if fresh:
            remove(transport, data)
        if is_done(transport):
            say("the results of an earlier run; --fresh starts over\n")
        else:
            _run(transport, data)
        if is_done(transport):
            _show(transport, data)
        else:
            say("stopped before the end; `actorstream demo` goes on from here")
    finally:
        transport.close()
        log.close()


def _run(transport: Transport, data: str) -> None:
    remove_remains(transport)
    _fill_all(transport)
    begun = monotonic()
    started = job.app.start(data=data, until="end")
    with started, stopped_by_signals(started):
        status = watch(job.app, started, data)
    flights = sum(one.records_in for task, one in status.progress.items() if task.startswith(f"{job.flights.name}["))
    say(f"{flights / max(monotonic() - begun, 1e-3):,.0f} flights a second\n")


def _fill_all(transport: Transport) -> None:
    say("reading a year of flights and weather, New York 2013")
    weather, flights = inputs.read_weather(), inputs.read_flights()
    with _progress("weather", len(weather)) as show:
        fill(
            transport,
            job.weather,
            weather,
            key=lambda one: one.origin,
            time=lambda one: one.hour,
            progress=show,
        )
    with _progress("flights", len(flights)) as show:
        fill(
            transport,
            job.flights,
            flights,
            key=lambda one: one.origin,
            time=lambda one: one.scheduled,
            progress=show,
        )


def _show(transport: Transport, data: str) -> None:
    say("the ten worst days to leave New York by air in 2013 (days in UTC, delays in minutes)\n")
    print(worst_days(transport), flush=True)
    say(f"\n{summary(transport)}\n\nwhere to look next:\n{where_next(data, DEFAULT_DATA)}")


@contextmanager
def _progress(topic: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows how far a topic is filled: a bar on a terminal, a line elsewhere."""
    if not sys.stderr.isatty():
        begun = monotonic()
        yield lambda count: None
        say(f"topic {topic}: {total:,} records, in {monotonic() - begun:.1f} s")
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("topic {task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("records"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(topic, total=total)
        yield lambda count: bar.update(task, completed=count)
