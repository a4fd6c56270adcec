"""A state store over an ordered map (`host.ordered_map`): RocksDB, or in a simulation memory.

A key in the map is the table's number (two bytes), the namespace (eight bytes, so that their order is that of numbers),
the key's group (one byte) and the key. So a namespace lies together, and in it each key group.

Which namespaces may have entries is known in memory: the map would have to step over all that was deleted lately to
find out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from actorstream.host.ordered_map import OrderedMap
from actorstream.model.identity import KEY_GROUPS, key_group
from actorstream.streams.store.changes import Change
from actorstream.streams.store.state_store import Namespace

_ZERO = 1 << 63  # Is added to a namespace, so that all are positive.

_GROUPS = [bytes([group]) for group in range(KEY_GROUPS)]


class _Prefixes(dict[Namespace, bytes]):
    """What the keys of a namespace begin with in the map; made when an entry is written."""

    def __init__(self, table: int) -> None:
        super().__init__()
        self._table = table.to_bytes(2, "big")

    def __missing__(self, namespace: Namespace) -> bytes:
        prefix = self[namespace] = self._table + (namespace + _ZERO).to_bytes(8, "big")
        return prefix


class OrderedStore:
    """See the module. `number` tells the tables in `entries` apart."""

    is_outside = True

    def __init__(self, entries: OrderedMap, number: int) -> None:
        self._map = entries
        self._namespaces = _Prefixes(number)

    def get(self, namespace: Namespace, key: bytes) -> bytes | None:
        return self.get_all(namespace, (key,))[0]

    def get_all(self, namespace: Namespace, keys: Sequence[bytes]) -> list[bytes | None]:
        prefix = self._namespaces.get(namespace)
        if prefix is None:
            return [None] * len(keys)
        return self._map.get_all([prefix + _GROUPS[key_group(key)] + key for key in keys])

    def write(self, changes: Iterable[Change]) -> None:
        prefixes = self._namespaces
        self._map.write([(prefixes[one.namespace] + _GROUPS[one.group] + one.key, one.value) for one in changes])

    def keys(self, namespace: Namespace) -> Iterable[bytes]:
        return (key for key, _ in self.items(namespace))

    def items(self, namespace: Namespace) -> Iterator[tuple[bytes, bytes]]:
        prefix = self._namespaces.get(namespace)
        if prefix is not None:
            skip = len(prefix) + 1
            for at, value in self._map.scan(prefix, _after(prefix)):
                yield at[skip:], value

    def namespaces(self) -> list[Namespace]:
        for namespace in list(self._namespaces):
            if next(self.items(namespace), None) is None:
                del self._namespaces[namespace]
        return list(self._namespaces)

    def entries(self, first_group: int, last_group: int) -> Iterator[Change]:
        for namespace, prefix in list(self._namespaces.items()):
            skip = len(prefix)
            for at, value in self._map.scan(prefix + _GROUPS[first_group], _after(prefix + _GROUPS[last_group])):
                yield Change(at[skip], namespace, at[skip + 1 :], value)

    def drop_groups(self, first: int, last: int) -> None:
        for prefix in self._namespaces.values():
            self._map.delete_range(prefix + _GROUPS[first], _after(prefix + _GROUPS[last]))

    def size(self, groups: range) -> int:
        return sum(1 for _ in self.entries(groups[0], groups[0])) * len(groups)


def _after(prefix: bytes) -> bytes:
    """What follows all that begins with `prefix`."""
    return (int.from_bytes(prefix, "big") + 1).to_bytes(len(prefix), "big")
