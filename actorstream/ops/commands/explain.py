"""`actorstream explain`: prints the plan of a program."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from actorstream.ops.commands.arguments import add_data, add_file

if TYPE_CHECKING:
    from actorstream.ops.commands.arguments import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("explain", help="print a program's plan", description="Prints the plan of a program.")
    add_file(parser)
    parser.add_argument("--stage", default="physical", choices=("logical", "optimised", "physical"), help="of planning")
    parser.add_argument("--format", default="text", choices=("text", "mermaid", "json"), help="text, or a picture")
    add_data(parser)
    parser.set_defaults(act=act)


def act(options: argparse.Namespace) -> int:
    """Print it."""
    from actorstream.ops.load import load_app

    print(load_app(options.file).explain(options.stage, options.format))
    return 0
