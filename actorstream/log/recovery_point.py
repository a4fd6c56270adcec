"""Up to which offset a partition is known to be durable: what decides, after a crash, whether damage is corruption.

Guarantees: no value ever read here is beyond what was durable. After a killed process it is exact; after a lost host it
may be older, since noting it is not itself made durable: that would cost each flush a second one.

Theory of operation. After every flush 12 bytes are appended: the offset (int64) and the CRC-32C of those 8 bytes. The
largest entry with a right CRC is the point. Entries that were lost or torn only make it older.
"""

from __future__ import annotations

from contextlib import suppress
from struct import Struct

from crc32c import crc32c

from actorstream.errors import DiskFull
from actorstream.host import Disk

FILE = "recovery-point"
ENTRIES_MAX = 4096
"""After so many entries the file begins again."""

_ENTRY = Struct(">qI")


class RecoveryPoint:
    """The `recovery-point` file of one partition."""

    __slots__ = ("_entries", "_file", "offset")

    def __init__(self, disk: Disk, directory: str) -> None:
        self._file = disk.open(f"{directory}/{FILE}", create=True)
        whole = self._file.size() // _ENTRY.size * _ENTRY.size
        self.offset = max(_offsets(self._file.read(0, whole)), default=0)
        self._entries = ENTRIES_MAX  # Begin the file again: what is there may be torn.

    def rise(self, offset: int) -> None:
        """Note that everything below `offset` is durable. A smaller one than before says nothing new."""
        if offset <= self.offset:
            return
        self.offset = offset
        with suppress(DiskFull):  # An older point in the file is true, too.
            if self._entries >= ENTRIES_MAX:
                self._file.truncate(0)
                self._entries = 0
            self._file.append(_entry(offset))
            self._entries += 1

    def lower(self, offset: int) -> None:
        """Forget that anything from `offset` on was durable; durable itself, for the log is about to be cut."""
        self.offset = min(self.offset, offset)
        self._file.truncate(0)
        self._file.append(_entry(self.offset))
        self._file.sync()
        self._entries = 1

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _entry(offset: int) -> bytes:
    number = offset.to_bytes(8, "big")
    return number + crc32c(number).to_bytes(4, "big")


def _offsets(data: bytes) -> list[int]:
    return [offset for offset, crc in _ENTRY.iter_unpack(data) if crc == crc32c(offset.to_bytes(8, "big", signed=True))]
