"""`actorstream node`: offer nodes of this host to a program on another one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from actorstream.actors.engine.member_arguments import add_arguments, settings_of

if TYPE_CHECKING:
    from actorstream.ops.commands.arguments import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "node",
        help="offer nodes to a program on another host",
        description="Offers nodes of this host to a program on another one, until Ctrl-C or SIGTERM.",
    )
    add_arguments(parser)
    parser.set_defaults(act=act)


def act(options: argparse.Namespace) -> int:
    """Be a member until it is time to leave."""
    from actorstream.actors.engine.member import run

    return run(settings_of(options))
