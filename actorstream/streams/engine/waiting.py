"""Records that wait until the watermark has passed their time, so that they are taken in order of time.

Then it makes no difference in which order they came: those of one time and key go by partition and offset.
"""

from __future__ import annotations

import heapq
from operator import itemgetter
from typing import Any, NamedTuple

from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.store.table import StateTable

_place = itemgetter(0, 1, 2)


class Due(NamedTuple):
    """Records whose turn it is: (time, partition, offset, value) of each, in order; all of one key."""

    as_of: Instant
    key: bytes
    records: list[tuple[int, int, int, Any]]


class Waiting:
    """See the module. A record that is late by its own split's watermark waits for that, so it is in order, too."""

    def __init__(self, name: str, kind: Any) -> None:
        self.table: StateTable[list[Any]] = StateTable(name, list[tuple[int, int, int, kind]])
        self._heap: list[tuple[Instant, bytes]] = []

    def add(self, batch: Batch, keys: list[bytes]) -> None:
        """Let the records of a batch wait."""
        partition = batch.origin.partition
        offsets = [0] * len(batch) if batch.offsets is None else as_list(batch.offsets)
        columns = (as_list(batch.times), as_list(batch.own), offsets, batch.rows())
        for key, time, own, offset, value in zip(keys, *columns, strict=True):
            as_of = max(time, own)
            waiting = self.table.get(as_of, key)
            if waiting is None:
                waiting = []
                heapq.heappush(self._heap, (as_of, key))
            waiting.append((time, partition, offset, value))
            self.table.put(as_of, key, waiting)

    @property
    def next(self) -> tuple[Instant, bytes] | None:
        """As of when the next ones are due, and their key."""
        return self._heap[0] if self._heap else None

    def take(self) -> Due:
        """Take the next ones."""
        as_of, key = heapq.heappop(self._heap)
        records = self.table.get(as_of, key) or []
        self.table.delete(as_of, key)
        return Due(as_of, key, sorted(records, key=_place))

    def restored(self) -> None:
        """The table was loaded or rolled back."""
        self._heap = [(as_of, key) for as_of in self.table.namespaces() for key in self.table.keys(as_of)]
        heapq.heapify(self._heap)
