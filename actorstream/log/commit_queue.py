"""Group commit: who waits until the log is durable up to some offset, and when to sync.

Guarantees: one sync at a time; everybody who waits for an offset below what a sync covered is told, in order. Pure: it
says when to begin, and whom to tell. Leaves to others: the sync itself, and what to say.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

Deliver = Callable[[], None]


class CommitQueue:
    """See the module."""

    __slots__ = ("_sequence", "_waiting", "is_syncing")

    def __init__(self) -> None:
        self.is_syncing = False
        self._sequence = 0
        self._waiting: list[tuple[int, int, Deliver]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, offset: int, deliver: Deliver) -> None:
        """Call `deliver` once everything below `offset` is durable."""
        self._sequence += 1
        heappush(self._waiting, (offset, self._sequence, deliver))

    def begin(self) -> bool:
        """Whether to begin a sync now; if so, it counts as under way."""
        if self.is_syncing:
            return False
        self.is_syncing = True
        return True

    def synced(self, offset: int) -> list[Deliver]:
        """A sync ended that covered everything below `offset`; whom to tell."""
        self.is_syncing = False
        return self.release(offset)

    def release(self, offset: int) -> list[Deliver]:
        """Everything below `offset` is durable; whom to tell."""
        ready = []
        while self._waiting and self._waiting[0][0] <= offset:
            ready.append(heappop(self._waiting)[2])
        return ready
