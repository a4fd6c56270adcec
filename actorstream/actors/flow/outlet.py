"""The sending end of a channel: what may go, goes; what may not, waits in the lane. Pure.

Theory of operation. All is counted from the beginning of the epoch, so that a word about credit is true whenever it
comes: the receiver tells up to where the sender may go in records and bytes (the limit), and how many elements it has
taken. What weighs nothing (marks, barriers, ends) needs no credit, but keeps its place behind what does. One element
larger than the window may go when all that weighs something has been taken: then the limit is passed over, and nothing
follows until the receiver has moved it further.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, NamedTuple, TypeVar

from actorstream.actors.flow.amount import FIRST_WINDOW, NOTHING, Amount

T = TypeVar("T")

LANE_ELEMENTS_MAX = 4_096
"""When so many elements wait, the lane is full, whatever they weigh."""


class Outgoing(NamedTuple, Generic[T]):
    """An element that may go now."""

    sequence: int
    element: T
    weight: Amount


class Outlet(Generic[T]):
    """See the module. `lane`: when so much waits, the lane is full.

    Guarantees: elements go in the order in which they were offered; what was sent and not taken never weighs more than
    the window, unless it is a single element. Leaves to others: not to offer more while the lane is full.
    """

    def __init__(self, lane: Amount = FIRST_WINDOW) -> None:
        self._lane = lane
        self._waiting: deque[tuple[T, Amount]] = deque()
        self.reset()

    def reset(self) -> None:
        """Begin anew: shut, and nothing waits."""
        self._waiting.clear()
        self._backlog = NOTHING
        self._open = False
        self._sent = NOTHING
        self._limit = NOTHING
        self._sequence = 0
        self._taken = 0  # How many elements the receiver has taken,
        self._done = NOTHING  # and what they weighed.
        self._under_way: deque[tuple[int, Amount]] = deque()  # What was sent, and as far as we know not taken.
        self._weighed = 0  # How many were sent when the last that weighs something went.

    def open(self, limit: Amount) -> None:
        """The receiver is ready, and lets so much go."""
        self._open = True
        self._limit = limit

    def credit(self, taken: int, limit: Amount) -> None:
        """The receiver has taken so many elements since the epoch began, and lets go up to `limit`."""
        assert taken <= self._sequence, "more was taken than sent"
        self._taken = max(self._taken, taken)
        while self._under_way and self._under_way[0][0] < taken:
            self._done = self._done.plus(self._under_way.popleft()[1])
        self._limit = Amount(max(self._limit.records, limit.records), max(self._limit.size_bytes, limit.size_bytes))

    def offer(self, element: T, weight: Amount = NOTHING) -> None:
        """Send `element` after all before it."""
        self._waiting.append((element, weight))
        self._backlog = self._backlog.plus(weight)

    def take(self) -> Outgoing[T] | None:
        """The next that may go now, or None."""
        if not self._waiting or not self._open:
            return None
        element, weight = self._waiting[0]
        if weight != NOTHING and not self._may_go(weight):
            return None
        self._waiting.popleft()
        sequence, self._sequence = self._sequence, self._sequence + 1
        if weight != NOTHING:
            self._sent = self._sent.plus(weight)
            self._backlog = self._backlog.minus(weight)
            self._weighed = self._sequence
            self._under_way.append((sequence, weight))
        return Outgoing(sequence, element, weight)

    @property
    def is_open(self) -> bool:
        """Whether the receiver is ready."""
        return self._open

    @property
    def is_waiting(self) -> bool:
        """Whether something waits."""
        return bool(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether so much waits that nothing more should be offered."""
        return (
            self._backlog.records >= self._lane.records
            or self._backlog.size_bytes >= self._lane.size_bytes
            or len(self._waiting) >= LANE_ELEMENTS_MAX
        )

    @property
    def window(self) -> Amount:
        """How much the receiver lets be on its way at once, as far as we know."""
        return self._limit.minus(self._done)

    def describe(self) -> dict[str, int]:
        """How much credit is left, of how much, and what waits for more, in records; for people."""
        left = max(0, self._limit.records - self._sent.records)
        return {"left": left, "window": self.window.records, "waiting": self._backlog.records}

    @property
    def backlog(self) -> Amount:
        """What waits."""
        return self._backlog

    def _may_go(self, weight: Amount) -> bool:
        return self._sent.plus(weight).fits(self._limit) or self._taken >= self._weighed
