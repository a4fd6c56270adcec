"""The timers of one operator: for each key a few times at which it wants to be called.

The state table is the truth (key → {time: sequence}); the heap beside it only says what may be next, and is rebuilt
from the table. Timers fire in order of time; those of equal times in the order they were set.
"""

from __future__ import annotations

import heapq

from actorstream.model.instant import Instant
from actorstream.streams.store.table import StateTable

Due = tuple[Instant, int, bytes]  # (time, sequence, key)


class Timers:
    """See the module. `name` is that of the parameter that sets them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.table: StateTable[dict[Instant, int]] = StateTable(name, dict[int, int])
        self._heap: list[Due] = []

    def set(self, key: bytes, time: Instant, sequence: int) -> None:
        """Fire for `key` at `time`; once, however often it is set."""
        times = self.table.get(0, key) or {}
        if time not in times:
            times[time] = sequence
            self.table.put(0, key, times)
            heapq.heappush(self._heap, (time, sequence, key))

    def cancel(self, key: bytes, time: Instant) -> None:
        """Take a timer back."""
        times = self.table.get(0, key)
        if times is not None and times.pop(time, None) is not None:
            self._keep(key, times)

    def next_due(self) -> Due | None:
        """The next timer, or None."""
        while self._heap:
            time, sequence, key = self._heap[0]
            if (self.table.get(0, key) or {}).get(time) == sequence:
                return self._heap[0]
            heapq.heappop(self._heap)  # It was cancelled.
        return None

    def take(self, due: Due) -> None:
        """`due` fires now: forget it."""
        time, _, key = due
        self.cancel(key, time)

    def rebuild(self) -> int:
        """Make the heap from the table; gives the highest sequence in it."""
        self._heap = [(time, sequence, key) for key, times in self.table.items(0) for time, sequence in times.items()]
        heapq.heapify(self._heap)
        return max((sequence for _, sequence, _ in self._heap), default=0)

    def _keep(self, key: bytes, times: dict[Instant, int]) -> None:
        if times:
            self.table.put(0, key, times)
        else:
            self.table.delete(0, key)
