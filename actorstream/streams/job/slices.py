"""Batches pushed in slices, so that slow functions of the user's let others have their turn. Pure.

How long a record takes is learned from the slices before; a batch that would take longer than a slice is cut. Between
two slices the task hears its other messages, but takes no other input.
"""

from __future__ import annotations

from collections.abc import Callable

from actorstream.streams.engine.batch import Batch

SLICE_US = 5_000
"""How long a task may process records before it lets others go on."""

_RECORDS_MIN = 16  # A slice costs something itself.
_WEIGHT = 0.3  # Of the newest slice in what a record is thought to take.


class Slices:
    """See the module. At most one batch is under way; no slice has more than `records_max` records."""

    def __init__(self, records_max: int) -> None:
        self._records_max = records_max
        self._record_us = 0.0
        self._batch: Batch | None = None
        self._push: Callable[[Batch], None] | None = None
        self._start = 0

    @property
    def is_under_way(self) -> bool:
        """Whether a batch has been pushed in part."""
        return self._batch is not None

    def begin(self, batch: Batch, push: Callable[[Batch], None]) -> None:
        """Take a batch, to be pushed by `push_next`."""
        assert self._batch is None
        self._batch, self._push, self._start = batch, push, 0

    def push_next(self, now_us: Callable[[], int]) -> None:
        """Push as much as a slice takes."""
        batch, push = self._batch, self._push
        assert batch is not None
        assert push is not None
        start, stop = self._start, min(self._start + self._count(), len(batch))
        self._start = stop
        if stop == len(batch):
            self._batch = self._push = None
        before_us = now_us()
        push(batch if stop - start == len(batch) else batch.part(start, stop))
        self._learn(now_us() - before_us, stop - start)

    def clear(self) -> None:
        """An epoch begins: what is under way is read again."""
        self._batch = self._push = None

    def _count(self) -> int:
        assert self._batch is not None
        if self._record_us * len(self._batch) <= 2 * SLICE_US:  # Cut only where it makes a difference.
            return min(len(self._batch), self._records_max)
        return min(max(int(SLICE_US / self._record_us), _RECORDS_MIN), self._records_max)

    def _learn(self, elapsed_us: int, records: int) -> None:
        if records:
            newest = elapsed_us / records
            self._record_us += (newest - self._record_us) * (_WEIGHT if self._record_us else 1.0)
