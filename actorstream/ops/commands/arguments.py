"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

DEFAULT_DATA = "./actorstream-data"


def add_data(parser: argparse.ArgumentParser) -> None:
    """`--data DIR`."""
    parser.add_argument("--data", metavar="DIR", default=DEFAULT_DATA, help=f"the data directory ({DEFAULT_DATA})")


def add_file(parser: argparse.ArgumentParser) -> None:
    """`FILE[:APP]`."""
    parser.add_argument(
        "file", metavar="FILE[:APP]", help="a Python file, and which of its Apps if it holds several at module level"
    )


def number_from(least: int) -> Callable[[str], int]:
    """The type of an argument that is a whole number, at least `least`."""

    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is less than {least}")
        return value

    return number
