"""Records that wait for their turn in event time, in buckets of a second, so that a turn touches few of them.

The state table is the truth: bucket (namespace) and key → entries. An entry begins with its record's time. The heap of
buckets beside it only says where to look, and is rebuilt from the table.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

from actorstream.model.instant import Instant
from actorstream.streams.store.table import StateTable

Entry = tuple[Any, ...]

_BUCKET_US = 1_000_000


class Buckets:
    """See the module. `kind` is the type of an entry."""

    def __init__(self, name: str, kind: Any) -> None:
        self.table: StateTable[list[Entry]] = StateTable(name, list[kind])
        self._heap: list[Instant] = []
        self._known: dict[Instant, None] = {}

    def add(self, key: bytes, entry: Entry) -> None:
        """Keep an entry until its time has come."""
        bucket = entry[0] - entry[0] % _BUCKET_US
        self._open(bucket)
        entries = self.table.get(bucket, key)
        if entries is None:
            entries = []
        entries.append(entry)
        self.table.put(bucket, key, entries)

    def take_before(self, time: Instant) -> Iterator[tuple[bytes, Entry]]:
        """Take out all entries whose time is before `time`; those of a key and a bucket in the order they came."""
        while self._heap and self._heap[0] < time:
            bucket = self._heap[0]
            if bucket + _BUCKET_US > time:
                yield from self._take_some(bucket, time)
                return
            heapq.heappop(self._heap)
            del self._known[bucket]
            for key, entries in self.table.items(bucket):
                for entry in entries:
                    yield key, entry
            self.table.delete_namespace(bucket)

    def _take_some(self, bucket: Instant, time: Instant) -> Iterator[tuple[bytes, Entry]]:
        for key in self.table.keys(bucket):
            entries = self.table.get(bucket, key) or []
            left = [entry for entry in entries if entry[0] >= time]
            if len(left) == len(entries):
                continue
            for entry in entries:
                if entry[0] < time:
                    yield key, entry
            if left:
                self.table.put(bucket, key, left)
            else:
                self.table.delete(bucket, key)

    def rebuild(self) -> None:
        """Make the heap from the table."""
        self._heap, self._known = [], {}
        for bucket in self.table.namespaces():
            self._open(bucket)

    def _open(self, bucket: Instant) -> None:
        if bucket not in self._known:
            self._known[bucket] = None
            heapq.heappush(self._heap, bucket)
