"""One segment: a file of batches that begins at some offset, and its indexes.

Guarantees: batches lie one after the other without a gap; what is read from before `checked_from` has its CRC checked
again, because it was written by an earlier process. Leaves to others: what follows when a check fails at opening
(`storage`), durability.
"""

from __future__ import annotations

from typing import NamedTuple

from actorstream.errors import Corrupt
from actorstream.host import Disk
from actorstream.host.disk import read_bytes, replace_bytes
from actorstream.log.batch import HEADER_BYTES, BadBatch, BatchHeader, crc_is_right, read_header
from actorstream.log.index import INTERVAL_BYTES, OffsetIndex, TimeIndex
from actorstream.log.records import decode_batch
from actorstream.log.scan import Scan
from actorstream.log.shared_file import SharedFile


class Slice(NamedTuple):
    """Whole batches out of a segment, and where the next ones begin."""

    batches: bytes
    next_offset: int
    next_position: int


class Segment:
    """See the module. Offsets in it are [base_offset, end_offset)."""

    __slots__ = (
        "_bytes_since_entry",
        "_disk",
        "_max_timestamp_ms",
        "_max_timestamp_offset",
        "_offset_index",
        "_shared",
        "_stem",
        "_time_index",
        "base_offset",
        "checked_from",
        "end_offset",
        "size",
    )

    def __init__(self, disk: Disk, directory: str, base_offset: int, *, create: bool = False) -> None:
        """Open the file; its end and indexes are unknown until `load`, `add` or `rebuild` says them."""
        self._disk = disk
        self._stem = f"{directory}/{base_offset:020d}"
        self.base_offset = self.end_offset = base_offset
        self._shared = SharedFile(disk.open(self.path, create=create))
        self.size = 0
        self.checked_from = 0
        self._offset_index, self._time_index = OffsetIndex(base_offset), TimeIndex(base_offset)
        self._bytes_since_entry = 0
        self._max_timestamp_ms = -1
        self._max_timestamp_offset = base_offset

    @property
    def path(self) -> str:
        """The log file's path on its disk."""
        return f"{self._stem}.log"

    @property
    def shared(self) -> SharedFile:
        """The open file."""
        return self._shared

    @property
    def max_timestamp_ms(self) -> int:
        """The largest timestamp in it; -1 if there is none."""
        return self._max_timestamp_ms

    def append(self, data: bytes | bytearray, headers: list[BatchHeader]) -> None:
        """Write batches that were checked, and whose offsets are set to follow the end.

        Raises:
            DiskFull: nothing of it was written.
        """
        assert headers[0].base_offset == self.end_offset
        position = self._shared.file.append(data)
        assert position == self.size
        for header in headers:
            self.add(position + header.position, header)

    def add(self, position: int, header: BatchHeader) -> None:
        """Know that this batch lies at `position`, the end of what is known."""
        if header.max_timestamp_ms > self._max_timestamp_ms:
            self._max_timestamp_ms = header.max_timestamp_ms
            self._max_timestamp_offset = header.last_offset
        if self._bytes_since_entry > INTERVAL_BYTES:
            self._offset_index.add(header.last_offset, position)
            self._time_index.add(self._max_timestamp_ms, self._max_timestamp_offset)
            self._bytes_since_entry = 0
        self._bytes_since_entry += header.size
        self.size = position + header.size
        self.end_offset = header.next_offset

    def read(self, offset: int, bytes_max: int, *, end_offset: int, position: int | None = None) -> Slice:
        """Whole batches from the one that holds `offset`, up to `end_offset`; at least one.

        `position` is where that batch lies, if the caller knows it.

        Raises:
            Corrupt: the bytes there are not what was written.
        """
        if position is None:
            position = self.position_of(offset)
        chunk = self._shared.file.read(position, max(bytes_max, HEADER_BYTES))
        first = self._header(chunk, 0, position)
        if first.size > len(chunk):
            chunk = self._shared.file.read(position, first.size)
        if not first.base_offset <= offset < first.next_offset:
            what = f"a batch of offsets from {first.base_offset} where {offset} must be"
            raise Corrupt(self._disk.show(self.path), position, what)
        at, next_offset = 0, first.base_offset
        while next_offset < end_offset and len(chunk) - at >= HEADER_BYTES:
            header = self._header(chunk, at, position)
            if header.end > len(chunk) and at:
                break
            self._check(chunk, header, position, next_offset)
            at, next_offset = header.end, header.next_offset
        return Slice(chunk[:at], next_offset, position + at)

    def position_of(self, offset: int) -> int:
        """Where the batch that holds `offset` lies.

        Raises:
            Corrupt: there is no such batch where it should be.
        """
        assert self.base_offset <= offset < self.end_offset
        position = self._offset_index.position_before(offset)
        while True:
            header = self._header(self._shared.file.read(position, HEADER_BYTES), 0, position)
            if header.next_offset > offset:
                return position
            position += header.size

    def offset_at(self, timestamp_ms: int) -> int | None:
        """The first offset whose timestamp is not before this; None if all are older."""
        if self._max_timestamp_ms < timestamp_ms:
            return None
        offset = max(self._time_index.offset_before(timestamp_ms), self.base_offset)
        while offset < self.end_offset:
            found = self.read(offset, HEADER_BYTES, end_offset=self.end_offset)
            header = read_header(found.batches)
            if header.max_timestamp_ms >= timestamp_ms:
                batch = decode_batch(found.batches, header)
                for at, when in zip(batch.offsets, batch.timestamps_ms, strict=True):
                    if when >= timestamp_ms:
                        return at
            offset = found.next_offset
        return None

    def _header(self, chunk: bytes, at: int, position: int) -> BatchHeader:
        try:
            return read_header(chunk, at)
        except BadBatch as bad:
            raise Corrupt(self._disk.show(self.path), position + at, bad.what) from None

    def _check(self, chunk: bytes, header: BatchHeader, position: int, base_offset: int) -> None:
        """Raise if the batch is not whole, not right, or not in its place."""
        if header.base_offset != base_offset:  # Which lies outside the CRC.
            what = f"base offset {header.base_offset} where {base_offset} must follow"
            raise Corrupt(self._disk.show(self.path), position + header.position, what)
        if header.end > len(chunk):
            raise Corrupt(self._disk.show(self.path), position + header.position, "a batch is cut short")
        if position + header.position < self.checked_from and not crc_is_right(chunk, header):
            raise Corrupt(self._disk.show(self.path), position + header.position, "the CRC does not match")

    # --- opening and closing -----------------------------------------------------------------------------------

    def load(self, end_offset: int) -> int:
        """Take over the indexes of an earlier process up to `end_offset`, a batch's beginning; its position.

        Indexes that are missing or make no sense are built again.

        Raises:
            Corrupt: the batches before `end_offset` are not there.
        """
        index = OffsetIndex.decode(self._stored(".index"), self.base_offset, self._shared.file.size())
        times = TimeIndex.decode(self._stored(".timeindex"), self.base_offset)
        if index is None or times is None or not self._points_right(index):
            return self.rebuild(end_offset)
        index.cut(end_offset)
        times.cut(end_offset)
        self._offset_index, self._time_index = index, times
        self._max_timestamp_ms = times.last_timestamp_ms
        self._walk(index.position_before(end_offset), end_offset)
        return self._known_up_to(end_offset)

    def rebuild(self, end_offset: int) -> int:
        """Build the indexes from the batches before `end_offset`; the position of that offset.

        Raises:
            Corrupt: the batches before `end_offset` are not there.
        """
        self._forget_indexes()
        scan = Scan(self._shared.file, 0, self.base_offset, check_crc=False)
        try:
            for position, header, _ in scan.batches():
                if header.base_offset >= end_offset:
                    break
                self.add(position, header)
        except BadBatch as bad:
            if scan.offset < end_offset:
                raise Corrupt(self._disk.show(self.path), bad.position, bad.what) from None
        return self._known_up_to(end_offset)

    def _points_right(self, index: OffsetIndex) -> bool:
        """Whether the index's last entry points to the batch that it means."""
        if not len(index):
            return True
        offset, position = index.last
        try:
            return read_header(self._shared.file.read(position, HEADER_BYTES)).last_offset == offset
        except BadBatch:
            return False

    def _walk(self, position: int, end_offset: int) -> None:
        """Step over headers from a batch's position up to `end_offset`, noting the largest timestamp."""
        self.size, self.end_offset = position, self.base_offset
        while self.size < self._shared.file.size() and self.end_offset < end_offset:
            header = self._header(self._shared.file.read(self.size, HEADER_BYTES), 0, self.size)
            self._max_timestamp_ms = max(self._max_timestamp_ms, header.max_timestamp_ms)
            self.size += header.size
            self.end_offset = header.next_offset

    def _known_up_to(self, end_offset: int) -> int:
        if self.end_offset != end_offset or self.size > self._shared.file.size():
            what = f"the file ends at offset {self.end_offset}, but {end_offset} had been flushed"
            raise Corrupt(self._disk.show(self.path), self.size, what)
        self.checked_from = self.size
        return self.size

    def _forget_indexes(self) -> None:
        self._offset_index, self._time_index = OffsetIndex(self.base_offset), TimeIndex(self.base_offset)
        self._bytes_since_entry = 0
        self._max_timestamp_ms = -1
        self._max_timestamp_offset = self.base_offset
        self.size, self.end_offset = 0, self.base_offset

    def _stored(self, suffix: str) -> bytes:
        path = self._stem + suffix
        return read_bytes(self._disk, path) if self._disk.exists(path) else b""

    def cut(self, position: int) -> None:
        """Drop the bytes from `position` on, durably. The indexes must not know of them."""
        self._shared.file.truncate(position)
        self._shared.file.sync()

    def store_indexes(self) -> None:
        """Write both indexes, durably."""
        if self.end_offset > self.base_offset:
            self._time_index.add(self._max_timestamp_ms, self._max_timestamp_offset)
        replace_bytes(self._disk, f"{self._stem}.index", self._offset_index.encode())
        replace_bytes(self._disk, f"{self._stem}.timeindex", self._time_index.encode())

    def close(self) -> None:
        """Let go of the file."""
        self._shared.close()


def remove_segment(disk: Disk, directory: str, base_offset: int) -> None:
    """Delete a segment's files; the batches last, for what is derived from them is nothing without them."""
    for suffix in (".index", ".timeindex", ".txnindex", ".log"):
        disk.remove(f"{directory}/{base_offset:020d}{suffix}")
