"""How things are shown to people: tables, counts, times, and what went wrong."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Sequence
from traceback import extract_tb
from typing import Final

from actorstream.errors import ActorstreamError, OperatorError, RemoteError

LINES_MAX = 6
"""Lines that an error takes."""

_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_DEMO: Final = os.path.join(_PACKAGE, "ops", "demo") + os.sep
_LIBRARIES: Final = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib"))


_FRAME: Final = re.compile(r'^ *File "(.+)", line (\d+), in (.+)\n *(\S.*)$', re.MULTILINE)
"""A frame in the text of a traceback."""


def say(words: str) -> None:
    """Words for the person, on standard error."""
    print(words, file=sys.stderr, flush=True)


def counted(count: int, noun: str) -> str:
    """So many of them.

    Example:
        >>> counted(1, "record"), counted(2_000, "record")
        ('1 record', '2,000 records')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lines with the columns below each other; numbers stand at the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    to_the_right = [bool(rows) and all(_is_number(row[place]) for row in rows) for place in range(len(columns))]
    lines = []
    for row in ([one.upper() for one in columns], *cells):
        padded = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, to_the_right, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _is_number(value: object) -> bool:
    """Whether it is shown as a number; a text may be one that was rounded already."""
    if isinstance(value, str):
        return value == "-" or value.replace(".", "", 1).isdigit()
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def age(length_us: int) -> str:
    """How long ago, roughly.

    Example:
        >>> age(90_000_000), age(400_000), age(26 * 3_600_000_000)
        ('90 s', '0.4 s', '26 h')
    """
    seconds = length_us / 1e6
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def problem(error: ActorstreamError) -> str:
    """What went wrong, in at most `LINES_MAX` lines."""
    said = _operator_failed(error) if isinstance(error, OperatorError) else str(error)
    return "\n".join(f"actorstream: {said}".splitlines()[:LINES_MAX])


def _operator_failed(error: OperatorError) -> str:
    cause = error.__cause__
    lines = [f"operator {error.operator!r} failed", f"  record  {error.record}"]
    if error.topic is not None:
        lines.append(f"  from    {error.topic}-{error.partition}@{error.offset}")
    if cause is not None:
        lines += [f"  at      {where}" for where in user_lines(cause)[-1:]]
    said = str(error) if cause is None else _said(cause)
    lines.append(f"  error   {said.splitlines()[0] if said else ''}")
    return "\n".join(lines)


def _said(cause: BaseException) -> str:
    """The class of an error, and what it said, wherever it was raised."""
    if isinstance(cause, RemoteError):
        return f"{cause.kind.rpartition('.')[2]}: {cause.text}"
    return f"{type(cause).__name__}: {cause}"


def user_lines(error: BaseException) -> list[str]:
    """The lines of the user's own files that an error passed through, the innermost last."""
    if isinstance(error, RemoteError):
        return [
            f"{_short(file)}:{line} in {name}: {text}"
            for file, line, name, text in _FRAME.findall(error.trace)
            if _is_users(file)
        ]
    return [
        f"{frame.filename}:{frame.lineno} in {frame.name}: {frame.line}".rstrip(": ")
        for frame in extract_tb(error.__traceback__)
        if _is_users(frame.filename)
    ]


def _short(file: str) -> str:
    """A path as it is seen from here, as workers know files by their whole path."""
    here = os.getcwd() + os.sep
    return file.removeprefix(here)


def _is_users(file: str) -> bool:
    """Whether somebody wrote the file who is neither we nor the author of a library."""
    return file.startswith(_DEMO) or not file.startswith(("<", _PACKAGE, *_LIBRARIES))
