"""What happens at a later virtual time, ordered by (time, sequence).

Guarantees: what was added first for a time happens first; cancelled events take at most as much room as the others
(and a little); they do not move time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Agenda:
    """See the module."""

    __slots__ = ("_cancelled", "_heap", "_sequence")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Event]] = []
        self._sequence = 0
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, time_us: int, fire: Callable[[], None]) -> Event:
        """Call `fire` at this time, after all that was added for the same time before."""
        self._sequence += 1
        event = Event(self, fire)
        heapq.heappush(self._heap, (time_us, self._sequence, event))
        return event

    def next_us(self) -> int:
        """When the first is; -1 if there is none."""
        heap = self._heap
        while heap and heap[0][2].fire is None:
            heapq.heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else -1

    def fire(self, now_us: int) -> None:
        """Let happen what is due."""
        while 0 <= self.next_us() <= now_us:
            event = heapq.heappop(self._heap)[2]
            fire, event.fire = event.fire, None
            assert fire is not None
            fire()

    def on_cancel(self) -> None:
        """One that waits was cancelled."""
        self._cancelled += 1
        if self._cancelled > 64 and 2 * self._cancelled > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].fire is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def clear(self) -> None:
        """Nothing happens any more."""
        self._heap.clear()
        self._cancelled = 0


class Event:
    """Something that will happen; a `Timer`."""

    __slots__ = ("_agenda", "fire")

    def __init__(self, agenda: Agenda, fire: Callable[[], None]) -> None:
        self._agenda = agenda
        self.fire: Callable[[], None] | None = fire

    def cancel(self) -> None:
        """Let it not happen; nothing if it has happened."""
        if self.fire is not None:
            self.fire = None
            self._agenda.on_cancel()
