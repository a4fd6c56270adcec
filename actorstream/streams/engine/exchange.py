"""Which instance of a task gets a record: that of its key's group.

Key groups are shares of all keys, by a hash of the key's encoding. An instance owns a run of them, so a key has one
home however many instances there are, and its state moves with its group when their number changes.
"""

from __future__ import annotations

from collections.abc import Iterator

from actorstream.model.identity import KEY_GROUPS, key_group
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.keys import KeyEncoder, keys_of
from actorstream.streams.engine.partials import are_partials
from actorstream.streams.plan.nodes import KeyBy

_MEMO_MAX = 65_536  # Keys whose owner is remembered.


def groups_of(instance: int, instances: int) -> range:
    """The key groups that an instance owns; together the instances own each group once."""
    return range(-(-instance * KEY_GROUPS // instances), -(-(instance + 1) * KEY_GROUPS // instances))


def owner_of(group: int, instances: int) -> int:
    """The instance that owns a group."""
    return group * instances // KEY_GROUPS


class Exchange:
    """Divides batches among the instances of a task, by the keys that `key` has given them."""

    def __init__(self, key: KeyBy, instances: int) -> None:
        self._key = key
        self._instances = instances
        self._encoder = KeyEncoder(key)
        self._owners: dict[bytes, int] = {}

    def parts(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """For each instance that gets any records, these, in their order."""
        places: list[list[int]] = [[] for _ in range(self._instances)]
        for place, owner in enumerate(self._owners_of(self._encoded(batch))):
            places[owner].append(place)
        for owner, chosen in enumerate(places):
            if chosen:
                yield owner, batch if len(chosen) == len(batch) else batch.choose(chosen)

    def _encoded(self, batch: Batch) -> list[bytes]:
        if are_partials(batch):
            return [one.key for one in batch.rows()]
        return self._encoder.encode_all(keys_of(batch, self._key))

    def _owners_of(self, encoded: list[bytes]) -> list[int]:
        owners = self._owners
        if len(owners) > _MEMO_MAX:
            owners.clear()
        for key in encoded:
            if key not in owners:
                owners[key] = owner_of(key_group(key), self._instances)
        return [owners[key] for key in encoded]
