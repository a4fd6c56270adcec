"""The trace of a simulation: a checksum over all steps, and the newest of them to read."""

from __future__ import annotations

from collections import deque
from zlib import crc32

from actorstream.actors.limits import TRACE_LINES_MAX


class Trace:
    """What happened, in order. Two runs are the same if their traces are equal.

    Attributes:
        crc: checksum over all steps so far.
        steps: how many there were.
    """

    __slots__ = ("_lines", "crc", "steps")

    def __init__(self) -> None:
        self.crc = 0
        self.steps = 0
        self._lines: deque[str] = deque(maxlen=TRACE_LINES_MAX)

    def add(self, now_us: int, path: str, what: str) -> None:
        """One step: `what` happened at `path`."""
        line = f"{now_us} {path} {what}"
        self.crc = crc32(line.encode(), self.crc)
        self.steps += 1
        self._lines.append(line)

    @property
    def lines(self) -> list[str]:
        """The newest steps, oldest first: virtual time in microseconds, path, message type."""
        return list(self._lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trace) and (self.crc, self.steps) == (other.crc, other.steps)

    __hash__ = None  # type: ignore[assignment]  # It changes with every step.

    def __str__(self) -> str:
        return f"{self.steps} steps, crc {self.crc:08x}"
