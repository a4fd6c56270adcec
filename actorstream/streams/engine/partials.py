"""Partial aggregates: what a batch comes to for each key and pane, on its way to the windows that merge it.

All records behind one are in time, by their own split's watermark, for every window of their pane. So where a receiver
knows better, because an idle split was passed over, they are late all together, and for the same windows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch


class Partial(NamedTuple):
    """The records of one key in one pane: how many, and their accumulators. The key is as it is encoded."""

    pane: Instant
    key: bytes
    records: int
    accumulators: tuple[Any, ...]


def are_partials(batch: Batch) -> bool:
    """Whether the values of a batch are `Partial`s."""
    return batch.kind is Partial


def records_of(batch: Batch) -> int:
    """How many records a batch stands for."""
    return sum([one.records for one in batch.rows()]) if are_partials(batch) else len(batch)
