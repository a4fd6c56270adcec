"""Where a state table's base is kept: encoded values, all of a decided checkpoint.

A store is a cache of what the changelog says. It begins empty, is filled by `load`, and only ever hears of decided
checkpoints; so nothing is lost when it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from actorstream.model.identity import key_group
from actorstream.streams.store.changes import Change

Namespace = int
Layer = dict[Namespace, dict[bytes, bytes | None]]
"""Encoded entries; None: taken away."""


class StateStore(Protocol):
    """See the module."""

    is_outside: bool
    """Not in this process's dicts: one question for many keys is worth its while, and live values should be few."""

    def get(self, namespace: Namespace, key: bytes) -> bytes | None:
        """The value, or None."""
        ...

    def get_all(self, namespace: Namespace, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of some keys, in their order."""
        ...

    def write(self, changes: Iterable[Change]) -> None:
        """Apply some changes, in their order."""
        ...

    def keys(self, namespace: Namespace) -> Iterable[bytes]:
        """The keys of a namespace."""
        ...

    def items(self, namespace: Namespace) -> Iterator[tuple[bytes, bytes]]:
        """The entries of a namespace as they are now; the store may change meanwhile."""
        ...

    def namespaces(self) -> list[Namespace]:
        """Those that have entries."""
        ...

    def entries(self, first_group: int, last_group: int) -> Iterator[Change]:
        """All entries of some key groups, both included, as they are now; the store may change meanwhile."""
        ...

    def drop_groups(self, first: int, last: int) -> None:
        """Forget the entries of some key groups, both included."""
        ...

    def size(self, groups: range) -> int:
        """How many entries some key groups have; where that is not known, about, from those of the first group."""
        ...


class MemoryStore:
    """Dicts in memory."""

    is_outside = False

    def __init__(self) -> None:
        self._entries: dict[Namespace, dict[bytes, bytes]] = {}

    def get(self, namespace: Namespace, key: bytes) -> bytes | None:
        return self._entries.get(namespace, {}).get(key)

    def get_all(self, namespace: Namespace, keys: Sequence[bytes]) -> list[bytes | None]:
        entries = self._entries.get(namespace, {})
        return [entries.get(key) for key in keys]

    def write(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.value is None:
                self._take_away(change.namespace, change.key)
            else:
                self._entries.setdefault(change.namespace, {})[change.key] = change.value

    def keys(self, namespace: Namespace) -> Iterable[bytes]:
        return self._entries.get(namespace, ())

    def items(self, namespace: Namespace) -> Iterator[tuple[bytes, bytes]]:
        return iter(list(self._entries.get(namespace, {}).items()))

    def namespaces(self) -> list[Namespace]:
        return list(self._entries)

    def entries(self, first_group: int, last_group: int) -> Iterator[Change]:
        for namespace, entries in list(self._entries.items()):
            for key, value in list(entries.items()):
                group = key_group(key)
                if first_group <= group <= last_group:
                    yield Change(group, namespace, key, value)

    def drop_groups(self, first: int, last: int) -> None:
        for namespace, entries in list(self._entries.items()):
            left = {key: value for key, value in entries.items() if not first <= key_group(key) <= last}
            self._entries[namespace] = left
            if not left:
                del self._entries[namespace]

    def size(self, groups: range) -> int:
        return sum(len(entries) for entries in self._entries.values())  # There are no others.

    def _take_away(self, namespace: Namespace, key: bytes) -> None:
        entries = self._entries.get(namespace)
        if entries is not None and entries.pop(key, None) is not None and not entries:
            del self._entries[namespace]
