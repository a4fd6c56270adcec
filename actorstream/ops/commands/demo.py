"""`actorstream demo`: a year of real flights, from Parquet to a table of results."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from actorstream.ops.commands.arguments import add_data

if TYPE_CHECKING:
    from actorstream.ops.commands.arguments import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "demo",
        help="run a job over a year of real flights",
        description="Produces 336,776 real flights into a log, runs a job over them and shows what it found. "
        "Interrupted, it goes on where it was; done, it shows the results that are there.",
    )
    parser.add_argument("--fresh", action="store_true", help="remove the demo's topics and job first, and start over")
    add_data(parser)
    parser.set_defaults(act=act)


def act(options: argparse.Namespace) -> int:
    """Run it."""
    from actorstream.ops.reach import check_directory

    check_directory(options.data, create=True)
    from actorstream.ops.demo.tour import demo

    demo(options.data, fresh=options.fresh)
    return 0
