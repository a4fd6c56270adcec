"""Watches the numbers that the records of each key carry, in each partition: what is missing, what comes twice.

A partition's records come in the order of their offsets, however partitions interleave, so what is found in each is
always the same.
"""

from __future__ import annotations

from typing import Any

from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.fields import values_of
from actorstream.streams.engine.guard import Guard, Now
from actorstream.streams.engine.keys import KeyEncoder, keys_of
from actorstream.streams.engine.numbering import DUPLICATE, GAP, LATE, Numbering
from actorstream.streams.engine.stage import Stage
from actorstream.streams.gaps import Gap
from actorstream.streams.plan.nodes import Gaps, KeyBy
from actorstream.streams.store.table import StateTable

_COUNTS = b""  # The key of the entry that holds them.


class GapsStage(Stage):
    """`stream.gaps`. The state has an entry for each partition (namespace) and key."""

    def __init__(self, node: Gaps, now: Now) -> None:
        super().__init__(node.name)
        self._guard = Guard(self, node.name, node.on_error, now)
        key = node.inputs[0]
        assert isinstance(key, KeyBy)
        self._node, self._key = node, key
        self._encoder = KeyEncoder(key)
        self._numberings: StateTable[Numbering] = StateTable("numbers", Numbering)
        self._counts: StateTable[dict[str, int]] = StateTable("counts", dict[str, int])
        self.tables = [self._numberings, self._counts]

    def push(self, batch: Batch) -> None:
        partition = batch.origin.partition
        keys = keys_of(batch, self._key)
        numbers = values_of(self.name, self._node.field, batch)
        here: dict[bytes, Numbering] = {}
        places: list[int] = []
        found: list[Gap] = []
        for place, (number, encoded) in enumerate(zip(numbers, self._encoder.encode_all(keys), strict=True)):
            if type(number) is not int:
                self._refuse(batch, place, number)
                continue
            numbering = here.get(encoded)
            if numbering is None:
                numbering = self._numberings.get(partition, encoded) or Numbering(number, number)
                here[encoded] = numbering
            expected = numbering.expected
            kind = numbering.take(number)
            if kind is not None:
                places.append(place)
                offset = batch.place(place)[2]
                found.append(Gap(keys[place], kind, expected, number, partition, offset))
        for encoded, numbering in here.items():
            self._numberings.put(partition, encoded, numbering)
        if found:
            self._count(found)
            self.emit(batch.choose(places, found, Gap))

    def _refuse(self, batch: Batch, place: int, number: Any) -> None:
        cause = ValueError(
            f"its {self._node.field!r}, which numbers the records of a key, is {number!r} and not an int"
        )
        self._guard.give_up(cause, batch, place, batch.rows()[place])

    def _count(self, found: list[Gap]) -> None:
        counts = self._counts.get(0, _COUNTS) or {}
        for one in found:
            counts[one.kind] = counts.get(one.kind, 0) + (one.found - one.expected if one.kind == GAP else 1)
        self._counts.put(0, _COUNTS, counts)

    @property
    def missing(self) -> int:
        """How many numbers were left out, and have not come since; since the job began."""
        counts = self._counts.get(0, _COUNTS) or {}
        return counts.get(GAP, 0) - counts.get(LATE, 0)

    @property
    def duplicates(self) -> int:
        """How many records had a number that had come already; since the job began."""
        return (self._counts.get(0, _COUNTS) or {}).get(DUPLICATE, 0)
