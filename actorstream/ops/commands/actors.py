"""`actorstream actors`: the tree of actors of the process that holds a data directory, as it is now."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from actorstream.ops.commands.arguments import add_data
from actorstream.ops.show import say, table

if TYPE_CHECKING:
    from actorstream.ops.commands.arguments import Commands

COUNTS = ("failures", "dead_letters", "unhandled", "skipped")


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "actors",
        help="the actors of a running process",
        description="Shows the tree of actors of the process that holds a data directory: states, restarts, messages "
        "that wait, credit left in channels.",
    )
    add_data(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="for people, or for programs")
    parser.set_defaults(act=show)


def show(options: argparse.Namespace) -> int:
    """Print the tree."""
    from actorstream.log.client import describe_actors
    from actorstream.ops.reach import check_directory

    check_directory(options.data, create=False)
    picture = describe_actors(options.data)
    if options.format == "json":
        print(json.dumps(picture))
        return 0
    rows = [row for actor in picture["actors"] for row in _rows(actor, 0)]
    print(table(("actor", "state", "restarts", "mailbox", "credit", "node", "reason"), rows))
    troubles = [f"{picture[name]:,} {name.replace('_', ' ')}" for name in COUNTS if picture[name]]
    if troubles:
        say(", ".join(troubles))
    return 0


def _rows(actor: dict[str, Any], depth: int) -> Iterator[tuple[object, ...]]:
    name = "  " * depth + actor["path"].rpartition("/")[2]
    yield (
        name,
        actor["state"],
        actor["restarts"],
        actor["mailbox"],
        _credit(actor["credit"]),
        actor["node"] or None,
        actor["reason"] or None,
    )
    for child in actor["children"]:
        yield from _rows(child, depth + 1)


def _credit(channels: dict[str, dict[str, int]]) -> str | None:
    """Of the channel that has the least left: records left, of how many."""
    if not channels:
        return None
    least = min(channels.values(), key=lambda channel: channel["left"])
    return f"{least['left']:,}/{least['window']:,}"
