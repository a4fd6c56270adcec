"""A map from bytes to bytes in the order of its keys, for what would not fit into memory otherwise.

Guarantees: it is empty when it is opened, and nobody else sees it. What is in it is gone with the process, by a crash
or by `close`: it is a cache, and whoever uses it can fill it again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol


class OrderedMap(Protocol):
    """See the module."""

    def get_all(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of some keys, in their order; None where there is none."""
        ...

    def write(self, entries: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Set some keys at once; None takes one away.

        Raises:
            DiskFull: nothing of it may be there.
        """
        ...

    def scan(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The entries from `start` up to, not including, `end`, as they are now, in order."""
        ...

    def delete_range(self, start: bytes, end: bytes) -> None:
        """Take away the keys from `start` up to, not including, `end`."""
        ...

    def close(self) -> None:
        """Forget everything."""
        ...


class MemoryMap:
    """An `OrderedMap` in memory, for simulations: what goes in and comes out is the same."""

    def __init__(self) -> None:
        self._entries: dict[bytes, bytes] = {}
        self._order: list[bytes] | None = []  # The keys, sorted; None: to be made anew.

    def get_all(self, keys: Sequence[bytes]) -> list[bytes | None]:
        return [self._entries.get(key) for key in keys]

    def write(self, entries: Iterable[tuple[bytes, bytes | None]]) -> None:
        for key, value in entries:
            if value is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = value
        self._order = None

    def scan(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter([(key, self._entries[key]) for key in self._between(start, end)])

    def delete_range(self, start: bytes, end: bytes) -> None:
        for key in self._between(start, end):
            del self._entries[key]
        self._order = None

    def close(self) -> None:
        self._entries.clear()
        self._order = []

    def _between(self, start: bytes, end: bytes) -> list[bytes]:
        if self._order is None:
            self._order = sorted(self._entries)
        return self._order[bisect_left(self._order, start) : bisect_left(self._order, end)]
