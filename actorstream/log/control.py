"""Markers: the control batches that end a producer's transaction in a partition.

Guarantees: a marker is one batch of one record, takes one offset, and reads like Kafka's: key `version int16, type
int16` (0 abort, 1 commit), value `version int16, coordinator epoch int32`.
"""

from __future__ import annotations

from struct import Struct

from actorstream.log.batch import HEADER_BYTES, BadBatch, BatchHeader, pack_batch

_MARKER = Struct(">hhhi")
_KEY = Struct(">hh")
_ABORT, _COMMIT = 0, 1


def control_batch(
    producer_id: int, producer_epoch: int, *, commit: bool, timestamp_ms: int, coordinator_epoch: int = 0
) -> bytes:
    """The marker that commits or aborts the producer's open transaction."""
    fields = _MARKER.pack(0, _COMMIT if commit else _ABORT, 0, coordinator_epoch)
    key, value = fields[:4], fields[4:]
    # Attributes, timestamp delta, offset delta; then lengths as zigzag varints (4 is 8, 6 is 12); no headers.
    record = b"\0\0\0" + b"\x08" + key + b"\x0c" + value + b"\0"
    payload = bytes([len(record) * 2]) + record
    return pack_batch(
        payload,
        1,
        timestamp_ms,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        transactional=True,
        control=True,
    )


def is_commit(data: bytes | bytearray | memoryview, header: BatchHeader) -> bool | None:
    """Whether the marker commits; None for a control batch of another kind (leader changes, snapshots).

    Raises:
        BadBatch: the marker's record cannot be read.
    """
    _length, position = _varint(data, header.position + HEADER_BYTES, header)
    _timestamp, position = _varint(data, position + 1, header)  # One byte of attributes lies before it.
    _offset, position = _varint(data, position, header)
    _key_length, position = _varint(data, position, header)
    if position + _KEY.size > header.end:
        raise BadBatch(header.position, "its marker is cut short")
    _, kind = _KEY.unpack_from(data, position)
    return {_ABORT: False, _COMMIT: True}.get(kind)


def _varint(data: bytes | bytearray | memoryview, position: int, header: BatchHeader) -> tuple[int, int]:
    """A zigzag varint, and the position after it."""
    value = 0
    for shift in range(0, 64, 7):
        if position >= header.end:
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), position
    raise BadBatch(header.position, "its marker is cut short")
