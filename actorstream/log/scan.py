"""Reading a segment's file batch by batch, and judging what does not read as one.

Guarantees: every batch handed out is whole, follows the one before without a gap in offsets, and carries the epoch that
the epoch file says. Leaves to others: what to do about damage.

Theory of operation. A killed process leaves at most a torn last write. A lost host may also leave holes where a write
never reached the platter while a later one did; those read as zeros. So damage beyond what is known to be durable is a
loss of what was never promised if nothing whole follows it, or if it looks like such a hole; then the log ends before
it. Anything else bad is corruption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from actorstream.host import File
from actorstream.log.batch import HEADER_BYTES, BadBatch, BatchHeader, crc_is_right, read_batch, read_header

CHUNK_BYTES = 1 << 20
"""How much is read at a time; a larger batch is read whole."""

PAGE_BYTES = 512
"""The smallest unit of a disk: a lost write that is not at a batch's end leaves at least one of zeros."""

_MAGIC_AT = 16


class Scan:
    """Walks over a file from `position`, where a batch with the base offset `offset` must begin.

    After a `BadBatch`, `position` and `offset` say where the good part ends.
    """

    __slots__ = ("_check_crc", "_epoch_at", "_file", "_size", "offset", "position")

    def __init__(
        self,
        file: File,
        position: int,
        offset: int,
        *,
        epoch_at: Callable[[int], int] | None = None,
        check_crc: bool = True,
    ) -> None:
        self._file, self._size = file, file.size()
        self._epoch_at, self._check_crc = epoch_at, check_crc
        self.position, self.offset = position, offset

    def batches(self) -> Iterator[tuple[int, BatchHeader, bytes]]:
        """(position in the file, header, chunk that the header refers to) of each batch up to the end of the file.

        Raises:
            BadBatch: at the first that is not whole, not right or not in its place; its position is the file's.
        """
        while self.position < self._size:
            chunk = self._file.read(self.position, CHUNK_BYTES)
            header = read_header_in(chunk, self.position)
            if header.size > len(chunk):
                chunk = self._file.read(self.position, header.size)
            yield from self._walk(chunk)

    def _walk(self, chunk: bytes) -> Iterator[tuple[int, BatchHeader, bytes]]:
        """The batches that lie whole in `chunk`, which begins at the scan's position; at least one."""
        start, at = self.position, 0
        while at == 0 or len(chunk) - at >= HEADER_BYTES:
            try:
                header = read_header(chunk, at)
                if at and header.end > len(chunk):
                    return
                self._check(chunk, header)
            except BadBatch as bad:
                raise BadBatch(start + at, bad.what) from None
            yield start + at, header, chunk
            at = header.end
            self.position, self.offset = start + at, header.next_offset

    def _check(self, chunk: bytes, header: BatchHeader) -> None:
        read_batch(chunk, header.position, check_crc=self._check_crc)
        if header.base_offset != self.offset:
            raise BadBatch(header.position, f"base offset {header.base_offset} where {self.offset} must follow")
        if self._epoch_at is not None and header.leader_epoch != self._epoch_at(header.base_offset):
            raise BadBatch(header.position, f"leader epoch {header.leader_epoch} is not the epoch file's")


def read_header_in(chunk: bytes, position: int) -> BatchHeader:
    """The header at the start of a chunk; an error names the file's position.

    Raises:
        BadBatch: there is none.
    """
    try:
        return read_header(chunk)
    except BadBatch as bad:
        raise BadBatch(position, bad.what) from None


def is_whole_batch(file: File, position: int) -> bool:
    """Whether a whole, right batch lies there. If it does not fit where it is, no crash left it behind."""
    try:
        header = read_header(file.read(position, HEADER_BYTES))
        read_batch(file.read(position, header.size))
    except BadBatch:
        return False
    return True


def find_whole_batch(file: File, position: int, offset_min: int) -> int | None:
    """The first position after `position` where a whole, valid batch of a later offset lies."""
    rest = file.read(position, file.size() - position)
    offset_end = offset_min + len(rest)  # A record takes more than a byte.
    magic = rest.find(b"\x02", _MAGIC_AT + 1)
    while magic >= 0:
        at = magic - _MAGIC_AT
        if offset_min <= int.from_bytes(rest[at : at + 8], "big") < offset_end and _is_whole(rest, at):
            return position + at
        magic = rest.find(b"\x02", magic + 1)
    return None


def _is_whole(data: bytes, at: int) -> bool:
    try:
        header = read_header(data, at)
    except BadBatch:
        return False
    return header.end <= len(data) and crc_is_right(data, header)


def looks_lost(damaged: bytes, position: int) -> bool:
    """Whether these bytes, at `position` of the file, hold a write that did not reach the platter.

    Its end reads as zeros (a batch's last byte is a zero anyway, so one says nothing), or a whole page does.
    """
    if damaged.endswith(b"\0\0"):
        return True
    first = -position % PAGE_BYTES
    pages = range(first, len(damaged) - PAGE_BYTES + 1, PAGE_BYTES)
    return any(not any(damaged[at : at + PAGE_BYTES]) for at in pages)
