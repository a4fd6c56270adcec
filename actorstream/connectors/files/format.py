"""What a file format is to the rest: a way to read one file from any mark, and a way to make the bytes of one.

A mark says where in a file to go on; it is JSON-like data, and only the format knows what is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from actorstream.streams.connector import BadValue

if TYPE_CHECKING:
    import polars

LINE_BYTES_MAX = 16 * 1024 * 1024
"""The longest line that is read; a longer one is bad input."""

SHOWN_MAX = 120
"""Characters of a bad line that an error shows."""

Mark = dict[str, int]


class Part(msgspec.Struct, frozen=True):
    """Some values of a file, and the mark after them."""

    values: Sequence[Any] | polars.DataFrame
    mark: Mark


class BadLine(BadValue):
    """A line or row of a file does not parse or does not fit.

    `path` and `mark` say which file, and where to go on after the line; `text` is the line. A reader that raised this
    goes on after the line when it is read again; `position` then is where that is in the source.
    """

    def __init__(self, path: str, where: str, reason: str, text: object, mark: Mark) -> None:
        shown = shorten(text)
        message = f"{path}, {where}: {reason}{f': {shown}' if shown else ''}. Correct that line, or take it out"
        super().__init__(message, text)
        self.path, self.mark, self.text = path, mark, text


class Pass(Protocol):
    """One pass through one file."""

    def read(self, limit: int, final: bool) -> Part | None:
        """Up to about `limit` values; none of them if so far none mattered; None when no more are there yet.

        Args:
            limit: how many values are wanted.
            final: whether the file is complete, so that a last line without a newline is a line.

        Raises:
            BadLine: a line does not fit; the next read goes on after it.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class Encoder(Protocol):
    """Makes the bytes of one file."""

    def add(self, values: Any) -> bytes:
        """Take some values, or a frame if the format `takes_frames`; gives what can be written already."""
        ...

    def finish(self) -> bytes:
        """What is left to write."""
        ...


class Format(Protocol):
    """One way to keep values in a file.

    `name`: the function that a user calls for it. `endings`: of its files, the first for those that are written.
    `columnar`: whether a pass can give frames. `blocking`: whether a read may take long enough to hold others up.
    """

    name: str
    blocking: bool
    endings: tuple[str, ...]
    columnar: bool
    type: Any

    def open(self, path: str, mark: Mark | None, columns: tuple[str, ...] | None) -> Pass:
        """A pass from a mark; None: from the beginning."""
        ...

    def encoder(self) -> Encoder:
        """For one new file."""
        ...


class Line(msgspec.Struct, frozen=True):
    """One line or row, before it is decoded: what it holds, where that is in a person's words, the mark after it."""

    content: Any
    where: str
    mark: Mark


def sift(path: str, lines: Iterable[Line], decode: Callable[[Any], Sequence[Any]]) -> list[Part | BadLine]:
    """Decode line by line what did not decode as a whole: the good values between the bad lines, in order.

    Args:
        path: of the file.
        lines: of it.
        decode: the values in one line; what it raises says what is wrong.
    """
    found: list[Part | BadLine] = []
    good: list[Any] = []
    mark: Mark = {}
    for line in lines:
        try:
            good.extend(decode(line.content))
            mark = line.mark
        except (msgspec.MsgspecError, ValueError) as error:
            if good:
                found.append(Part(good, mark))
                good = []
            found.append(BadLine(path, line.where, str(error), line.content, line.mark))
    if good:
        found.append(Part(good, mark))
    return found


def shorten(text: object) -> str:
    """A bad line as an error shows it: one line, not too long."""
    shown = text.decode(errors="replace").strip() if isinstance(text, bytes) else str(text)
    shown = shown.replace("\r", "\\r").replace("\n", "\\n")
    return shown if len(shown) <= SHOWN_MAX else f"{shown[:SHOWN_MAX]}..."
