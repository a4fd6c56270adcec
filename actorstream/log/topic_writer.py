"""What goes into one topic: values checked and encoded, keys, and which partition each record goes to.

Guarantees: what passes fits the topic's type, or the schema that the topic remembers. Records of one key go to one
partition, the one that Kafka's clients choose. Leaves to others: batches and sending (`outbox`, `producer`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from actorstream.errors import BadInput
from actorstream.log.partitioning import partition_for_key
from actorstream.model.keys import encode_topic_key
from actorstream.model.topic import Topic, TopicSpec
from actorstream.model.values import encode_values

KEYS_REMEMBERED = 65_536
"""So many keys' partitions are remembered, for hashing in plain Python is slow."""

_SHOWN_MAX = 120


class TopicWriter:
    """See the module. `declared` is the program's declaration, if there is one."""

    def __init__(self, spec: TopicSpec, declared: Topic[Any] | None) -> None:
        self.spec, self.declared = spec, declared
        kind = _kind(spec, declared)
        self._kind = kind
        self._check: Callable[[bytes], Any] | None = None if kind is None else msgspec.json.Decoder(kind).decode
        self._get_key = _key_getter(spec, declared)
        self.partition_without_key = 0  # One for many records, so that batches grow.
        self.partition_of = lru_cache(KEYS_REMEMBERED)(self._partition_of)

    def encode(self, values: Sequence[Any]) -> list[bytes]:
        """The values as they lie in the log.

        Raises:
            BadInput: one cannot be written, or does not fit the topic.
        """
        encoded = encode_values(values)
        if self._check is not None:
            for data in encoded:
                self._check_one(data)
        return encoded

    def _check_one(self, data: bytes) -> None:
        assert self._check is not None
        try:
            self._check(data)
        except msgspec.MsgspecError as error:
            shown = data[:_SHOWN_MAX].decode(errors="replace")
            kind = getattr(self._kind, "__name__", str(self._kind))
            raise BadInput(f"topic {self.spec.name!r}: the value {shown} does not fit {kind}: {error}") from None

    def key_of(self, value: Any) -> bytes | None:
        """The key that the topic's declaration gives to a value.

        Raises:
            BadInput: the value has no such field, or the key cannot be one.
        """
        if self._get_key is None:
            return None
        try:
            key = self._get_key(value)
        except (AttributeError, KeyError, TypeError) as error:
            raise BadInput(f"topic {self.spec.name!r}: the key cannot be taken from {value!r:.120}: {error}") from None
        return None if key is None else encode_topic_key(key)

    def turn(self) -> None:
        """A batch left; records without a key go to the next partition from now on."""
        self.partition_without_key = (self.partition_without_key + 1) % self.spec.partitions

    def _partition_of(self, key: bytes) -> int:
        return partition_for_key(key, self.spec.partitions)


def _kind(spec: TopicSpec, declared: Topic[Any] | None) -> Any:
    """What values must fit; None: any JSON."""
    if declared is not None and declared.type is not None:
        return declared.type
    if spec.schema is None:
        return None
    from actorstream.model.schema import build

    return build(spec.schema)


def _key_getter(spec: TopicSpec, declared: Topic[Any] | None) -> Callable[[Any], Any] | None:
    """What takes a record's key from its value: as the program declares it, else as the topic remembers it."""
    if declared is not None:
        return None if declared.key is None else _getter(declared.key)
    return None if spec.key is None else _getter(spec.key)


def _getter(key: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    if not isinstance(key, str):
        return key
    attribute = attrgetter(key)
    return lambda value: value.get(key) if isinstance(value, dict) else attribute(value)
