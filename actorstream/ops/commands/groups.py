"""`actorstream groups list | describe`: where consumer groups and jobs are in their topics."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from actorstream.errors import BadInput
from actorstream.ops.commands.arguments import add_data
from actorstream.ops.show import table

if TYPE_CHECKING:
    from actorstream.log.client import GroupPosition, Transport
    from actorstream.ops.commands.arguments import Commands


def add(commands: Commands) -> None:
    """Declare the commands."""
    group = commands.add_parser(
        "groups", help="where consumer groups and jobs are", description="Where consumer groups and jobs are."
    )
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = actions.add_parser("list", help="all groups", description="Lists groups and jobs, one a line.")
    listing.set_defaults(act=list_all)
    describing = actions.add_parser("describe", help="offsets and lag", description="Shows where one group is.")
    describing.add_argument("group", metavar="GROUP", help="a consumer group, or a job by its name")
    describing.set_defaults(act=describe)
    for parser in (listing, describing):
        add_data(parser)


def list_all(options: argparse.Namespace) -> int:
    """One line a group."""
    from actorstream.log.client import describe_group, list_groups
    from actorstream.ops.joblog import JobLog, jobs
    from actorstream.ops.reach import reached

    with reached(options.data) as transport:
        found = [(name, "consumers", describe_group(transport, name)) for name in list_groups(transport)]
        found += [(name, "job", JobLog(transport, name).positions()) for name in jobs(transport)]
    rows = [(name, kind, _topics(positions), _lag(positions)) for name, kind, positions in sorted(found)]
    print(table(("group", "kind", "topics", "lag"), rows))
    return 0


def describe(options: argparse.Namespace) -> int:
    """One line a partition."""
    from actorstream.ops.reach import reached

    with reached(options.data) as transport:
        positions = _positions(transport, options.group)
    rows = [(one.topic, one.partition, one.offset, one.lag_records) for one in positions]
    print(table(("topic", "partition", "offset", "lag"), rows))
    return 0


def _positions(transport: Transport, name: str) -> list[GroupPosition]:
    from actorstream.log.client import describe_group, list_groups
    from actorstream.ops.joblog import JobLog, jobs

    groups, every_job = list_groups(transport), jobs(transport)
    if name not in groups and name not in every_job:
        known = ", ".join(sorted({*groups, *every_job})) or "none yet"
        raise BadInput(f"there is no group {name!r}. There are: {known}")
    found = describe_group(transport, name) if name in groups else []
    return found + (JobLog(transport, name).positions() if name in every_job else [])


def _topics(positions: list[GroupPosition]) -> str:
    return ", ".join(dict.fromkeys(one.topic for one in positions)) or "-"


def _lag(positions: list[GroupPosition]) -> int:
    return sum(one.lag_records or 0 for one in positions)
