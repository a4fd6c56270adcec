"""The receiving end of a channel: a queue under credit. Pure.

Theory of operation. The limit that the sender is told is what was taken plus the window. It is told when the channel
opens, and again when it would move by half a window, or when nothing that weighs anything is left in the queue: an
element larger than what is left of the window waits until all before it was taken. So credit comes back when a batch is
taken for processing, not when it arrives. The window follows the pace; a larger one is granted at once, a smaller one
by granting nothing until enough was taken.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, NamedTuple, TypeVar

from actorstream.actors.flow.amount import FIRST_WINDOW, NOTHING, Amount
from actorstream.actors.flow.fence import Fence
from actorstream.actors.flow.pace import HORIZON_US, Pace

T = TypeVar("T")


class Grant(NamedTuple):
    """What the sender should be told: how many elements were taken, and up to where it may go."""

    taken: int
    limit: Amount


class Inlet(Generic[T]):
    """See the module. `horizon_us`: the window is what is taken in so long; `first`: the window to begin with.

    Guarantees: what was let go and not taken is never more than the greatest window that was in force since the queue
    was empty. Leaves to others: whose turn it is, and sending what `grant` gives.
    """

    def __init__(self, channel: str, horizon_us: int = HORIZON_US, first: Amount | None = None) -> None:
        self.channel = channel
        self._fence = Fence(channel)
        self._horizon_us = horizon_us
        self._first = first
        self._queue: deque[tuple[T, Amount]] = deque()
        self.open(0)

    def open(self, epoch: int) -> Amount:
        """An epoch begins: nothing is queued; gives the limit to tell the sender."""
        self._fence.begin(epoch)
        self._queue.clear()
        self._pace = Pace(self._horizon_us, self._first)
        self._ended = False
        self._weighing = 0  # Elements in the queue that weigh something.
        self._taken = 0
        self._told = 0
        self._amount = NOTHING
        self._limit = self._first or FIRST_WINDOW
        return self._limit

    @property
    def epoch(self) -> int:
        """The epoch that it is open for."""
        return self._fence.epoch

    @property
    def next_sequence(self) -> int:
        """The sequence that should come next."""
        return self._fence.next_sequence

    def put(self, epoch: int, sequence: int, element: T, weight: Amount) -> bool:
        """Take in what came; False if it belongs to an earlier epoch, and was dropped.

        Raises:
            ChannelBroken: as `Fence.lets_in`.
        """
        if not self._fence.lets_in(epoch, sequence):
            return False
        self._queue.append((element, weight))
        self._weighing += weight != NOTHING
        return True

    def end(self, element: T) -> None:
        """The sender is gone: queue the news of it behind all that has come. Nobody needs credit any more."""
        self._queue.append((element, NOTHING))
        self._ended = True

    def take(self, now_us: int) -> tuple[T, Amount]:
        """The next element, now being processed. There must be one."""
        element, weight = self._queue.popleft()
        self._taken += 1
        self._weighing -= weight != NOTHING
        self._pace.took(weight, now_us)
        self._amount = self._amount.plus(weight)
        return element, weight

    def rest(self, now_us: int) -> None:
        """Nothing can be taken from here now: the queue is empty, or it is not its turn for another reason."""
        self._pace.rested(now_us)

    def grant(self) -> Grant | None:
        """What to tell the sender, now that something that weighs something was taken; None if it is not time to."""
        window = self._pace.window()
        limit = self._amount.plus(window)
        more = limit.minus(self._limit)
        is_half = 2 * more.records >= window.records or 2 * more.size_bytes >= window.size_bytes
        if self._ended or (not is_half and (self._weighing or self._told == self._taken)):
            return None
        self._told = self._taken
        self._limit = Amount(max(self._limit.records, limit.records), max(self._limit.size_bytes, limit.size_bytes))
        return Grant(self._taken, self._limit)

    @property
    def limit(self) -> Amount:
        """Up to where the sender may go, as it was last told."""
        return self._limit

    @property
    def window(self) -> Amount:
        """The window that the pace asks for."""
        return self._pace.window()

    @property
    def next_weight(self) -> Amount | None:
        """What the next element weighs; None if the queue is empty."""
        return self._queue[0][1] if self._queue else None

    def __len__(self) -> int:
        return len(self._queue)
