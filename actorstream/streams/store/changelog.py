"""The records of a job's changelog: one or more for each state that changed in a checkpoint.

A record's key names the state, its value is `changes.encode_changes`. Ranges of offsets, as `CKPT_DONE` names them, are
the only way in: what no decided checkpoint names is never applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from actorstream.log.client import StateRange, encode_records
from actorstream.model.instant import Instant
from actorstream.streams.store.changes import Change, encode_changes

RECORD_CHANGES_MAX = 4_096
"""Entries of one record; more make several."""

RECORD_CHANGES_BYTES_MAX = 1 << 20
"""Values of one record, in bytes, unless a single one is larger."""


class StateChanges(NamedTuple):
    """What a checkpoint writes of one state: changes of some key groups, or (a base) all of these groups."""

    changes: Sequence[Change]
    groups: range
    base: bool = False


class StateRecords:
    """Encoded changes of several states, and which record holds which."""

    def __init__(self, batches: bytes, spans: list[tuple[str, StateRange]]) -> None:
        self.batches = batches
        self._spans = spans

    def ranges(self, first_offset: int) -> dict[str, tuple[StateRange, ...]]:
        """The ranges of each state, now that the first record's offset is known."""
        found: dict[str, tuple[StateRange, ...]] = {}
        for state, one in self._spans:
            moved = StateRange(
                one.first_group, one.last_group, first_offset + one.start, first_offset + one.end, one.base
            )
            found[state] = (*found.get(state, ()), moved)
        return found


def encode_state(states: dict[str, list[StateChanges]], now_us: Instant) -> StateRecords:
    """The record batches for some states."""
    keys: list[bytes | None] = []
    values: list[bytes | None] = []
    spans = []
    for state, several in states.items():
        for every, groups, base in several:
            start = len(values)
            for changes in _records(every):
                keys.append(state.encode())
                values.append(encode_changes(changes))
            spans.append((state, StateRange(groups[0], groups[-1], start, len(values), base)))
    return StateRecords(encode_records([now_us // 1000] * len(values), keys, values), spans)


def _records(every: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """The changes of each record; an empty base is a record, too."""
    start, size = 0, 0
    for place, change in enumerate(every):
        weight = len(change.value or b"")
        if place - start == RECORD_CHANGES_MAX or (place > start and size + weight > RECORD_CHANGES_BYTES_MAX):
            yield every[start:place]
            start, size = place, 0
        size += weight
    yield every[start:]
