"""Batches, and what a log holds, in one line each."""

from __future__ import annotations

from actorstream.log.batch import check_batches, iterate_batches
from actorstream.log.records import decode_batch, encode_records
from actorstream.log.storage import PartitionLog


def make_batch(*values: bytes, at_ms: int = 1_000, **options: object) -> bytes:
    """A batch of these values, all at one time."""
    return encode_records([at_ms] * len(values), None, list(values), **options)  # type: ignore[arg-type]


def append(log: PartitionLog, data: bytes) -> tuple[int, int]:
    """Append batches as the partition does."""
    return log.append(data, check_batches(data))


def values_of(batches: bytes) -> list[bytes]:
    """The values in batches, markers left out."""
    decoded = [decode_batch(batches, header) for header in iterate_batches(batches) if not header.is_control]
    return [value for batch in decoded for value in batch.values if value is not None]


def all_values(log: PartitionLog, bytes_max: int = 300) -> list[bytes]:
    """What a reader from the start to the end gets."""
    found: list[bytes] = []
    offset = log.start_offset
    while offset < log.end_offset:
        read = log.read(offset, bytes_max)
        found += values_of(read.batches)
        assert read.next_offset > offset
        offset = read.next_offset
    return found
