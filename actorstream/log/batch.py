"""Record batches, version 2: the header that every batch begins with, and all that may be done without its records.

Guarantees: no length, count or code is believed before it is checked against the bytes that are there; a batch that
passes `check_batches` has the right CRC. Leaves to others: the records inside (`records`), markers (`control`).

Source: Apache Kafka, "Record Batch" (KIP-98). All numbers are big-endian.

```
 0 base offset      int64     21 attributes          int16   0-2 codec, 3 log append time, 4 transactional, 5 control
 8 length           int32     23 last offset delta   int32
12 leader epoch     int32     27 first timestamp     int64   milliseconds
16 magic            int8 = 2  35 max timestamp       int64
17 CRC-32C          uint32    43 producer id         int64   -1: none
   of 21 to the end           51 producer epoch      int16
                              53 base sequence       int32
                              57 record count        int32, then the records
```

Base offset and leader epoch lie outside the CRC, so that a log can set them without touching the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from crc32c import crc32c

from actorstream.errors import BadInput

HEADER_BYTES = 61
"""Size of the fixed part; the records follow."""

BATCH_BYTES_MAX = 64 << 20
"""The largest batch that is accepted or believed."""

RECORD_BYTES_MIN = 7
"""The smallest record that can be written uncompressed: seven fields of one byte."""

SEQUENCE_END = 1 << 31
"""Sequences run from 0 to 2^31 - 1 and begin again."""

NO_PRODUCER = -1
"""The producer id of a batch that nobody numbered."""

CODEC_NONE, CODEC_GZIP = 0, 1

_HEADER = Struct(">qiibIhiqqqhii")
_AFTER_LENGTH = 12  # The length counts the bytes after itself.
_CRC_FROM = 21
_OFFSET = Struct(">q")
_INT32 = Struct(">i")
_CRC = Struct(">I")

_CODEC = 0x07
_CODEC_MAX = 4
_TRANSACTIONAL = 0x10
_CONTROL = 0x20
_KNOWN_ATTRIBUTES = 0x3F


class BadBatch(BadInput):
    """Bytes that are no whole, valid record batch; `position` is where the batch begins in what was read."""

    def __init__(self, position: int, what: str) -> None:
        super().__init__(f"bad record batch at byte {position}: {what}")
        self.position, self.what = position, what


class BatchHeader(NamedTuple):
    """The fixed part of a batch, and where it lies in the bytes it was read from."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int
    position: int

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return self.length + _AFTER_LENGTH

    @property
    def end(self) -> int:
        """Position after the batch in the bytes it was read from."""
        return self.position + self.length + _AFTER_LENGTH

    @property
    def last_offset(self) -> int:
        """Offset of the last record."""
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        """The offset after the last record."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """Sequence of the last record; meaningless without a producer."""
        return (self.base_sequence + self.last_offset_delta) % SEQUENCE_END

    @property
    def codec(self) -> int:
        """How the records are compressed."""
        return self.attributes & _CODEC

    @property
    def is_transactional(self) -> bool:
        """Whether the records await a marker."""
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """Whether this is a marker, which no reader of values may see."""
        return bool(self.attributes & _CONTROL)


def read_header(data: bytes | bytearray | memoryview, position: int = 0) -> BatchHeader:
    """The header at `position`; the bytes after the header need not be there.

    Raises:
        BadBatch: no header could look like this.
    """
    if len(data) - position < HEADER_BYTES:
        raise BadBatch(position, f"{len(data) - position} bytes are left, a header has {HEADER_BYTES}")
    header = BatchHeader._make((*_HEADER.unpack_from(data, position), position))
    what = _wrong_with(header)
    if what is not None:
        raise BadBatch(position, what)
    return header


def _wrong_with(header: BatchHeader) -> str | None:
    """The first thing that cannot be, or None."""
    if header.magic != 2:
        return f"magic {header.magic}, not 2"
    if not HEADER_BYTES <= header.size <= BATCH_BYTES_MAX:
        return f"a length of {header.length}"
    if header.base_offset < 0 or header.last_offset_delta < 0:
        return f"offsets from {header.base_offset}, delta {header.last_offset_delta}"
    if header.record_count < 1 or header.last_offset_delta < header.record_count - 1:
        return f"{header.record_count} records, last delta {header.last_offset_delta}"
    if header.codec == CODEC_NONE and header.record_count * RECORD_BYTES_MIN > header.size - HEADER_BYTES:
        return f"{header.record_count} records in {header.size - HEADER_BYTES} bytes"
    if header.attributes & ~_KNOWN_ATTRIBUTES or header.codec > _CODEC_MAX:
        return f"unknown attributes {header.attributes:#x}"
    return None


def crc_is_right(data: bytes | bytearray | memoryview, header: BatchHeader) -> bool:
    """Whether the bytes of the batch match its CRC."""
    return crc32c(memoryview(data)[header.position + _CRC_FROM : header.end]) == header.crc


def read_batch(data: bytes | bytearray | memoryview, position: int = 0, *, check_crc: bool = True) -> BatchHeader:
    """The header of the batch that lies whole at `position`.

    Raises:
        BadBatch: it is cut short, or its header or CRC is wrong.
    """
    header = read_header(data, position)
    if header.end > len(data):
        raise BadBatch(position, f"{header.size} bytes long, {len(data) - position} are left")
    if check_crc and not crc_is_right(data, header):
        raise BadBatch(position, "the CRC does not match")
    return header


def iterate_batches(data: bytes | bytearray | memoryview, *, check_crc: bool = True) -> Iterator[BatchHeader]:
    """The headers of batches that follow each other without a gap.

    Raises:
        BadBatch: at the first that is not whole and right.
    """
    position = 0
    while position < len(data):
        header = read_batch(data, position, check_crc=check_crc)
        yield header
        position = header.end


def check_batches(data: bytes | bytearray | memoryview) -> list[BatchHeader]:
    """The headers of what somebody asks to append: one batch or more, each whole, right and without gaps.

    Raises:
        BadBatch: nothing of this may be appended.
    """
    headers = list(iterate_batches(data))
    if not headers:
        raise BadBatch(0, "there is none")
    for header in headers:
        what = _unfit_to_append(header)
        if what is not None:
            raise BadBatch(header.position, what)
    return headers


def _unfit_to_append(header: BatchHeader) -> str | None:
    if header.last_offset_delta != header.record_count - 1:
        return f"{header.record_count} records, last delta {header.last_offset_delta}"
    if header.producer_id == NO_PRODUCER:
        return "transactional without a producer id" if header.is_transactional else None
    if header.producer_id < 0 or header.producer_epoch < 0:
        return f"producer {header.producer_id}, epoch {header.producer_epoch}"
    if header.base_sequence < 0 and not header.is_control:
        return f"producer {header.producer_id} without a sequence"
    return None


def assign(data: bytearray, headers: list[BatchHeader], base_offset: int, leader_epoch: int) -> list[BatchHeader]:
    """Give the batches their place in a log, in `data` itself; the headers as they are then."""
    placed = []
    for header in headers:
        _OFFSET.pack_into(data, header.position, base_offset)
        _INT32.pack_into(data, header.position + _AFTER_LENGTH, leader_epoch)
        header = header._replace(base_offset=base_offset, leader_epoch=leader_epoch)
        placed.append(header)
        base_offset = header.next_offset
    return placed


def number(data: bytearray, headers: list[BatchHeader], producer_id: int, producer_epoch: int, sequence: int) -> int:
    """Give the batches a producer and their sequences, in `data` itself; the sequence after the last."""
    for header in headers:
        _PRODUCER.pack_into(data, header.position + _PRODUCER_FROM, producer_id, producer_epoch, sequence)
        _sign(data, header.position, header.end)
        sequence = (sequence + header.record_count) % SEQUENCE_END
    return sequence


_PRODUCER = Struct(">qhi")
_PRODUCER_FROM = 43


def pack_batch(
    payload: bytes,
    count: int,
    timestamp_ms: int,
    *,
    producer_id: int = NO_PRODUCER,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    transactional: bool = False,
    control: bool = False,
) -> bytes:
    """A batch around records that are encoded already, all of one timestamp; its offsets count from 0."""
    attributes = (_TRANSACTIONAL if transactional else 0) | (_CONTROL if control else 0)
    length = HEADER_BYTES - _AFTER_LENGTH + len(payload)
    producer = (producer_id, producer_epoch, base_sequence)
    fields = (0, length, -1, 2, 0, attributes, count - 1, timestamp_ms, timestamp_ms, *producer, count)
    batch = bytearray(_HEADER.pack(*fields))
    batch += payload
    _sign(batch, 0, len(batch))
    return bytes(batch)


def _sign(data: bytearray, start: int, end: int) -> None:
    with memoryview(data) as view:
        crc = crc32c(view[start + _CRC_FROM : end])
    _CRC.pack_into(data, start + 17, crc)
