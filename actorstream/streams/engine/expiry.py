"""When the content of a state that has a time-to-live is over, for each key.

The state table is the truth (key → the instant from which on the content is over). The heap beside it only says what
may be over next: it holds each key once, at its instant or earlier, so that writing to a key again and again costs one
lookup, and is rebuilt from the table.

Guarantees: what is over depends on event time alone, never on when it is cleaned away. Whoever asks for a key asks
`is_over` first; cleaning only gives memory back.
"""

from __future__ import annotations

import heapq

from actorstream.model.instant import END_OF_TIME, START_OF_TIME, Instant
from actorstream.streams.store.table import StateTable

_EXPIRES = "~expires"  # Suffix of the table of a state's instants.


class Expiry:
    """See the module.

    Args:
        name: that of the state.
        ttl_us: its time-to-live, in microseconds.
    """

    def __init__(self, name: str, ttl_us: int) -> None:
        self.ttl_us = ttl_us
        self.table: StateTable[int] = StateTable(name + _EXPIRES, int)
        self._heap: list[tuple[Instant, bytes]] = []
        self._scheduled: dict[bytes, Instant] = {}
        self._latest: Instant = START_OF_TIME  # The latest time of a write.

    def is_over(self, key: bytes, now: Instant) -> bool:
        """Whether the content of a key is over."""
        end = self.table.get(0, key)
        return end is not None and end <= now

    def written(self, key: bytes, time: Instant) -> None:
        """Something with this time wrote the content; of several writes the latest time counts.

        What knows no event time (a timer of the clock, before any record came) counts as the latest write so far.
        """
        time = max(time, self._latest) if time == START_OF_TIME else time
        if time == START_OF_TIME:
            return
        self._latest = max(self._latest, time)
        end = min(time + self.ttl_us, END_OF_TIME)
        before = self.table.get(0, key)
        if before is None or before < end:
            self.table.put(0, key, end)
            self._schedule(key, end)

    def cleared(self, key: bytes) -> None:
        """There is no content any more."""
        if self.table.get(0, key) is not None:
            self.table.delete(0, key)

    def next_over(self, now: Instant) -> bytes | None:
        """A key whose content is over, until it is `cleared`; None if there is none."""
        while self._heap and self._heap[0][0] <= now:
            instant, key = self._heap[0]
            end = self.table.get(0, key) if self._scheduled.get(key) == instant else None
            if end is not None and end <= now:
                return key
            heapq.heappop(self._heap)
            if self._scheduled.get(key) == instant:
                del self._scheduled[key]
                if end is not None:
                    self._schedule(key, end)  # It was written to since.
        return None

    def rebuild(self) -> None:
        """The table was loaded or rolled back."""
        self._scheduled = dict(self.table.items(0))
        self._heap = [(end, key) for key, end in self._scheduled.items()]
        heapq.heapify(self._heap)
        self._latest = max(self._scheduled.values(), default=START_OF_TIME + self.ttl_us) - self.ttl_us

    def _schedule(self, key: bytes, end: Instant) -> None:
        before = self._scheduled.get(key)
        if before is None or end < before:
            self._scheduled[key] = end
            heapq.heappush(self._heap, (end, key))
