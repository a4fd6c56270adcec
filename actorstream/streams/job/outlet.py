"""The sending end of a data channel: what may go, goes; what may not, waits for credit. Pure.

Credit is counted in bytes and records. Batches need it; marks, barriers and ends do not, but wait behind batches that
do. A batch larger than the whole window may go when the window is wholly free, or it never could.
"""

from __future__ import annotations

from collections import deque

from actorstream.streams.engine.batch import Batch
from actorstream.streams.job.elements import Element

WINDOW_RECORDS = 4_096
WINDOW_BYTES = 1 << 20


class Outlet:
    """See the module. `channel` is its identity; it is shut until the receiver opens it for an epoch."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self._waiting: deque[tuple[Element, int, int]] = deque()
        self._records = 0
        self._bytes = 0
        self._open = False

    def reset(self) -> None:
        """Begin an epoch: shut, and nothing waits."""
        self._waiting.clear()
        self._records = self._bytes = 0
        self._open = False

    def open(self) -> None:
        """The receiver is ready for this epoch."""
        self._open = True
        self._records, self._bytes = WINDOW_RECORDS, WINDOW_BYTES

    def credit(self, records: int, size: int) -> None:
        """The receiver has taken so much for processing."""
        self._records += records
        self._bytes += size
        assert self._records <= WINDOW_RECORDS
        assert self._bytes <= WINDOW_BYTES

    def offer(self, element: Element) -> None:
        """Send `element` after all before it."""
        records, size = (len(element), element.size_bytes) if isinstance(element, Batch) else (0, 0)
        self._waiting.append((element, records, size))

    def take(self) -> tuple[Element, int, int] | None:
        """The next that may go now: (element, records, bytes), or None."""
        if not self._waiting or not self._open:
            return None
        _, records, size = self._waiting[0]
        if not self._may_go(records, size):
            return None
        self._records -= records
        self._bytes -= size
        return self._waiting.popleft()

    @property
    def is_blocked(self) -> bool:
        """Whether something waits for credit, so that the task should take no input."""
        return bool(self._waiting)

    def _may_go(self, records: int, size: int) -> bool:
        fits = records <= self._records and size <= self._bytes
        return fits or (self._records == WINDOW_RECORDS and self._bytes == WINDOW_BYTES)
