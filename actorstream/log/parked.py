"""Readers at the end of a partition, who wait until there is something to read. Pure."""

from __future__ import annotations

from typing import NamedTuple

from actorstream.actors import Ref, Timer
from actorstream.log.messages import Fetch

PARKED_MAX = 1024
"""So many readers may wait at one partition; the next is answered at once."""


class Parked(NamedTuple):
    """One reader, what it asked, and what ends its waiting."""

    reader: Ref
    fetch: Fetch
    timer: Timer


class ParkedFetches:
    """Waiting readers by a number, in order of their coming."""

    __slots__ = ("_number", "_parked")

    def __init__(self) -> None:
        self._number = 0
        self._parked: dict[int, Parked] = {}

    def __len__(self) -> int:
        return len(self._parked)

    @property
    def is_full(self) -> bool:
        """Whether nobody else may wait."""
        return len(self._parked) >= PARKED_MAX

    def next_number(self) -> int:
        """The number of the next reader that parks."""
        self._number += 1
        return self._number

    def park(self, number: int, parked: Parked) -> None:
        """Let a reader wait."""
        self._parked[number] = parked

    def expire(self, number: int) -> Parked | None:
        """The reader of this number, who waits no longer."""
        return self._parked.pop(number, None)

    def take_ready(self, committed_end: int, high_watermark: int, *, reads_committed: bool) -> list[Parked]:
        """The readers for whom there is something now; they wait no longer."""
        ready = []
        for number, parked in list(self._parked.items()):
            committed = parked.fetch.committed or reads_committed
            if parked.fetch.offset < (committed_end if committed else high_watermark):
                parked.timer.cancel()
                ready.append(self._parked.pop(number))
        return ready
