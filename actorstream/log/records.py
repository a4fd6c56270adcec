"""The records inside batches, encoded and decoded by compiled code, a batch at a time.

Guarantees: what `encode_records` writes, `decode_batch` gives back; hostile bytes raise `BadBatch`, nothing else, and
never take more than `INFLATED_BYTES_MAX`. Leaves to others: headers and CRCs (`batch`), what a value means.

The compiled code is `aiokafka.record`'s. Importing it takes a tenth of a second, so it happens at the first use.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any

from actorstream.errors import BadInput
from actorstream.log.batch import (
    CODEC_GZIP,
    CODEC_NONE,
    HEADER_BYTES,
    NO_PRODUCER,
    SEQUENCE_END,
    BadBatch,
    BatchHeader,
)

ENCODED_BATCH_BYTES_MAX = 1 << 20
"""Where `encode_records` begins a new batch."""

RECORD_BYTES_MAX = 16 << 20
"""The largest key and value together; such a record gets a batch of its own."""

INFLATED_BYTES_MAX = 64 << 20
"""The most that a compressed batch may become."""

Headers = list[tuple[str, bytes | None]]

_CODECS = {None: CODEC_NONE, "gzip": CODEC_GZIP}
_ATTRIBUTES_LOW = 22  # The byte of the header that holds the codec.
_NO_HEADERS: Headers = []


@cache
def _codec() -> tuple[Any, Any]:
    from aiokafka.record.default_records import (  # type: ignore[import-untyped]
        DefaultRecordBatch,
        DefaultRecordBatchBuilder,
    )

    return DefaultRecordBatch, DefaultRecordBatchBuilder


def encode_records(
    timestamps_ms: Sequence[int],
    keys: Sequence[bytes | None] | None,
    values: Sequence[bytes | None],
    *,
    headers: Sequence[Headers | None] | None = None,
    producer_id: int = NO_PRODUCER,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    transactional: bool = False,
    compression: str | None = None,
    batch_bytes_max: int = ENCODED_BATCH_BYTES_MAX,
) -> bytes:
    """One batch or more that hold these records in order; offsets count from 0 in each batch.

    There is one timestamp, one key and one list of headers for each value; `keys` and `headers` are None where no
    record has any. `base_sequence` is the first record's; later batches go on from there. `compression` is None or
    "gzip". `batch_bytes_max` is where the next batch begins; a record larger than that gets a batch of its own.

    Raises:
        BadInput: a record is larger than `RECORD_BYTES_MAX`, or the compression is unknown.
    """
    if compression not in _CODECS:
        raise BadInput(f"compression is {compression!r}; use None or 'gzip'")
    _, builder_type = _codec()
    count = len(values)
    keys = keys if keys is not None else [None] * count
    lists = headers if headers is not None else [None] * count
    parts: list[bytes | bytearray] = []
    start = 0
    while start < count:
        sequence = (base_sequence + start) % SEQUENCE_END if producer_id >= 0 else -1
        builder = builder_type(
            2, _CODECS[compression], int(transactional), producer_id, producer_epoch, sequence, batch_bytes_max
        )
        start = _fill(builder, start, timestamps_ms, keys, values, lists)
        parts.append(builder.build())
    return b"".join(parts)


def _fill(
    builder: Any,
    start: int,
    timestamps_ms: Sequence[int],
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
    headers: Sequence[Headers | None],
) -> int:
    """Put records into the builder until it is full; the index of the first that did not fit."""
    append = builder.append
    for index in range(start, len(values)):
        key, value = keys[index], values[index]
        size = (len(key) if key else 0) + (len(value) if value else 0)
        if size > RECORD_BYTES_MAX:
            raise BadInput(f"a record of {size} bytes; at most {RECORD_BYTES_MAX} fit the log")
        if append(index - start, timestamps_ms[index], key, value, headers[index] or _NO_HEADERS) is None:
            return index
    return len(values)


class DecodedBatch:
    """The records of one batch, as columns of the same length."""

    __slots__ = ("_records", "header", "keys", "offsets", "timestamps_ms", "values")

    def __init__(self, header: BatchHeader, records: list[Any]) -> None:
        self.header = header
        self.offsets: Sequence[int]
        if header.last_offset_delta == header.record_count - 1:
            self.offsets = range(header.base_offset, header.next_offset)
        else:  # Something was compacted away.
            self.offsets = [record.offset for record in records]
        self.values: list[bytes | None] = [record.value for record in records]
        self.keys: list[bytes | None] = [record.key for record in records]
        self.timestamps_ms: list[int] = [record.timestamp for record in records]
        self._records = records

    def __len__(self) -> int:
        return len(self.values)

    @property
    def headers(self) -> list[Headers]:
        """The headers of each record."""
        return [record.headers for record in self._records]


def decode_batch(data: bytes | bytearray | memoryview, header: BatchHeader) -> DecodedBatch:
    """The records of the batch that `header` describes within `data`.

    Raises:
        BadBatch: the records do not fit the header, or their compression is not supported.
    """
    batch = bytes(data[header.position : header.end])
    if header.codec != CODEC_NONE:
        batch = _inflate(batch, header)
    reader_type, _ = _codec()
    try:
        records = list(reader_type(batch))
    except (ValueError, RuntimeError, OverflowError, MemoryError) as error:
        raise BadBatch(header.position, f"its records cannot be read ({error})") from error
    except Exception as error:
        raise _as_bad_batch(error, header) from error
    if len(records) != header.record_count:
        raise BadBatch(header.position, f"{len(records)} records where {header.record_count} were announced")
    return DecodedBatch(header, records)


def _as_bad_batch(error: Exception, header: BatchHeader) -> Exception:
    """The library's own complaint about the bytes, as ours; anything else stays what it is."""
    from aiokafka.errors import CorruptRecordException  # type: ignore[import-untyped]

    if isinstance(error, CorruptRecordException):
        return BadBatch(header.position, f"its records cannot be read ({error})")
    return error


def _inflate(batch: bytes, header: BatchHeader) -> bytes:
    """The same batch, uncompressed; its length and CRC are no longer right, and nobody looks at them again."""
    if header.codec != CODEC_GZIP:
        raise BadBatch(header.position, f"compression {header.codec} is not supported; use gzip or none")
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        records = inflater.decompress(batch[HEADER_BYTES:], INFLATED_BYTES_MAX)
    except zlib.error as error:
        raise BadBatch(header.position, f"its gzip data are broken ({error})") from error
    if not inflater.eof:
        raise BadBatch(header.position, f"its gzip data are cut short or larger than {INFLATED_BYTES_MAX} bytes")
    plain = bytearray(batch[:HEADER_BYTES])
    plain[_ATTRIBUTES_LOW] &= ~0x07
    return bytes(plain) + records
