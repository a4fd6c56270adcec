"""`actorstream checkpoints list`: what the logs of jobs say."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from actorstream.ops.commands.arguments import add_data
from actorstream.ops.show import age, table

if TYPE_CHECKING:
    from actorstream.log.client import StateRange
    from actorstream.ops.commands.arguments import Commands
    from actorstream.ops.joblog import JobLog


def add(commands: Commands) -> None:
    """Declare the commands."""
    group = commands.add_parser(
        "checkpoints", help="what jobs have committed", description="What the jobs of a data directory have committed."
    )
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = actions.add_parser(
        "list",
        help="the last checkpoints of each job",
        description="Lists the last checkpoints of each job, where its sources are, and what state it keeps.",
    )
    add_data(listing)
    listing.set_defaults(act=list_all)


def list_all(options: argparse.Namespace) -> int:
    """A few tables a job."""
    from actorstream.ops.joblog import JobLog, jobs
    from actorstream.ops.reach import reached

    with reached(options.data) as transport:
        now_us = transport.now_us()
        logs = [JobLog(transport, name) for name in jobs(transport)]
        parts = [_described(log, now_us) for log in logs]
    print("\n\n".join(parts) if parts else "no job has run here yet")
    return 0


def _described(log: JobLog, now_us: int) -> str:
    history = log.history
    parts = [f"job {log.job}: {log.state}; epoch {history.last_epoch}, checkpoint {history.last_checkpoint}"]
    parts.append(_checkpoints(log, now_us))
    positions = [(one.topic, one.partition, one.offset, one.lag_records) for one in log.positions()]
    if positions:
        parts.append(table(("source", "split", "offset", "lag"), positions))
    states = [(name, _groups(ranges), _records(ranges)) for name, ranges in sorted(history.state.items()) if ranges]
    if states:
        parts.append(table(("state", "key groups", "changes kept"), states))
    if history.savepoints:
        parts.append(table(("savepoint", "checkpoint"), sorted(history.savepoints.items())))
    return "\n\n".join(parts)


def _checkpoints(log: JobLog, now_us: int) -> str:
    rows = [
        (
            one.done.checkpoint,
            one.epoch.epoch,
            _time(one.done.at_us),
            age(now_us - one.done.at_us),
            sum(len(lanes) for lanes in one.done.sinks.values()),
        )
        for one in log.recent
    ]
    return table(("checkpoint", "epoch", "decided", "age", "outputs"), rows)


def _time(at_us: int) -> str:
    from actorstream.model.instant import to_datetime

    return to_datetime(at_us).isoformat(" ", "milliseconds").replace("+00:00", "Z")


def _groups(ranges: tuple[StateRange, ...]) -> str:
    first, last = min(one.first_group for one in ranges), max(one.last_group for one in ranges)
    return f"{first}..{last}"


def _records(ranges: tuple[StateRange, ...]) -> int:
    return sum(one.end - one.start for one in ranges)
