"""A partition of the log's own: small records, each an entry that its owner understands.

Guarantees: an entry is durable when `append` returns, or when the work of `flush_work` is done. Leaves to others: what
the entries mean, and when to write them anew (`rewrite`) so that the log stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from actorstream.errors import Corrupt
from actorstream.host import Disk
from actorstream.log.batch import check_batches, iterate_batches
from actorstream.log.records import decode_batch, encode_records
from actorstream.log.storage import PartitionLog
from actorstream.log.undecodable import UNDECODABLE

T = TypeVar("T")

INTERNAL_SEGMENT_BYTES_MAX = 4 << 20
"""When such a log begins a new segment, and may be written anew."""

_READ_BYTES = 1 << 20


class InternalLog:
    """See the module. `topic` is the internal topic's name, of which there is one partition."""

    def __init__(
        self, disk: Disk, directory: str, topic: str, *, segment_bytes_max: int = INTERNAL_SEGMENT_BYTES_MAX
    ) -> None:
        self._log = PartitionLog.open(disk, f"{directory}/{topic}-0", segment_bytes_max=segment_bytes_max)
        self._shown = disk.show(f"{directory}/{topic}-0")

    @property
    def end_offset(self) -> int:
        """The offset that the next entry gets."""
        return self._log.end_offset

    @property
    def has_sealed(self) -> bool:
        """Whether there is more than one segment, so that writing it anew would make it smaller."""
        return self._log.active_offset > self._log.start_offset

    def entries(self, kind: Any) -> Iterator[Any]:
        """All entries, decoded as `kind`.

        Raises:
            Corrupt: one does not decode.
        """
        decode = msgspec.json.Decoder(kind).decode
        offset = self._log.start_offset
        while offset < self._log.end_offset:
            batches, offset = self._log.read(offset, _READ_BYTES)
            for header in iterate_batches(batches, check_crc=False):
                for value in decode_batch(batches, header).values:
                    try:
                        yield decode(value or b"")
                    except UNDECODABLE as error:
                        raise Corrupt(self._shown, 0, f"at offset {header.base_offset}: {error}") from None

    def write(self, entries: list[Any], now_us: int) -> int:
        """Append entries; the log's new end, which is durable only after a flush.

        Raises:
            DiskFull: none of them is in the log.
        """
        values = [msgspec.json.encode(entry) for entry in entries]
        batches = encode_records([now_us // 1000] * len(values), None, values)
        return self._log.append(batches, check_batches(batches))[1]

    def append(self, entries: list[Any], now_us: int) -> None:
        """Append entries and make them durable. Blocks.

        Raises:
            DiskFull: none of them is in the log.
            SyncFailed: never to be tried again.
        """
        self.write(entries, now_us)
        self._log.flush()

    def flush_work(self) -> tuple[Callable[[], None], int]:
        """See `PartitionLog.flush_work`."""
        return self._log.flush_work()

    def flushed(self, offset: int) -> None:
        """See `PartitionLog.flushed`."""
        self._log.flushed(offset)

    @property
    def flushed_offset(self) -> int:
        """Everything below is durable."""
        return self._log.flushed_offset

    def rewrite(self, entries: list[Any], now_us: int) -> None:
        """Let the log hold these entries alone, which say the same as all before. Blocks.

        Raises:
            DiskFull: the log holds what it held, and perhaps some of these again.
        """
        self._log.roll()
        start_offset = self._log.end_offset
        if entries:
            self.append(entries, now_us)
        self._log.trim(start_offset)

    def close(self, *, clean: bool) -> None:
        """See `PartitionLog.close`."""
        self._log.close(clean=clean)
