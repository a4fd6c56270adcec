"""When which key has something to do next: a heap of times, one for each key."""

from __future__ import annotations

import heapq

from actorstream.model.instant import Instant


class Schedule:
    """See the module. Not part of the state: whoever uses it makes it again from its tables.

    Guarantees: keys come in order of (time, key), each once for the last time that was set for it.
    """

    def __init__(self) -> None:
        self._when: dict[bytes, Instant] = {}
        self._heap: list[tuple[Instant, bytes]] = []  # With entries that hold no more, while others are before them.

    def set(self, key: bytes, time: Instant | None) -> None:
        """Something is to be done for `key` at `time`, and not before; None: nothing any more."""
        if time is None:
            self._when.pop(key, None)
        elif self._when.get(key) != time:
            self._when[key] = time
            heapq.heappush(self._heap, (time, key))
            if len(self._heap) > 2 * len(self._when) + 64:
                self._heap = [(when, which) for which, when in self._when.items()]
                heapq.heapify(self._heap)

    def set_not_after(self, key: bytes, time: Instant) -> None:
        """Something may have to be done for `key` at `time`: look at it then, or earlier if that was set already."""
        known = self._when.get(key)
        if known is None or time < known:
            self.set(key, time)

    def next_time(self) -> Instant | None:
        """When something is to be done next."""
        heap = self._heap
        while heap and self._when.get(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def take(self) -> bytes:
        """The key that is next; it has nothing to do until something is set again."""
        time = self.next_time()
        assert time is not None
        _, key = heapq.heappop(self._heap)
        del self._when[key]
        return key

    def clear(self) -> None:
        """Nothing is to be done."""
        self._when.clear()
        self._heap.clear()

    def __len__(self) -> int:
        return len(self._when)
