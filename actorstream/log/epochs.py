"""Leader epochs: which leader wrote from which offset on. The file is Kafka's `leader-epoch-checkpoint`.

Guarantees: an epoch is in the file, durable, before a batch carries it. Batches carry their epoch outside the CRC, so
this file is what they are checked against.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from actorstream.errors import Corrupt, UnsupportedFormat
from actorstream.host import Disk
from actorstream.host.disk import read_bytes, replace_bytes

FILE = "leader-epoch-checkpoint"
_VERSION = "0"


class LeaderEpochs:
    """(epoch, start offset) pairs, both rising."""

    __slots__ = ("_disk", "_entries", "_path")

    def __init__(self, disk: Disk, directory: str) -> None:
        self._disk, self._path = disk, f"{directory}/{FILE}"
        self._entries: list[tuple[int, int]] = []
        if disk.exists(self._path):
            self._entries = _parse(read_bytes(disk, self._path), disk.show(self._path))

    @property
    def last(self) -> int:
        """The newest epoch; -1 before the first."""
        return self._entries[-1][0] if self._entries else -1

    def epoch_at(self, offset: int) -> int:
        """The epoch that wrote `offset`; -1 before the first."""
        index = bisect_right(self._entries, offset, key=_start) - 1
        return self._entries[index][0] if index >= 0 else -1

    def begin(self, epoch: int, start_offset: int) -> None:
        """A new leader writes from `start_offset` on; durable when this returns."""
        if epoch <= self.last:
            return
        kept = [entry for entry in self._entries if entry[1] < start_offset]
        self._write([*kept, (epoch, start_offset)])

    def cut(self, end_offset: int) -> None:
        """Forget epochs that begin after the log's new end."""
        kept = [entry for entry in self._entries if entry[1] <= end_offset]
        if kept != self._entries:
            self._write(kept)

    def _write(self, entries: list[tuple[int, int]]) -> None:
        lines = [_VERSION, str(len(entries)), *(f"{epoch} {offset}" for epoch, offset in entries)]
        replace_bytes(self._disk, self._path, "".join(f"{line}\n" for line in lines).encode())
        self._entries = entries


def _start(entry: tuple[int, int]) -> int:
    return entry[1]


def _parse(data: bytes, shown: str) -> list[tuple[int, int]]:
    lines = data.decode("ascii", "replace").split("\n")
    if lines[0].isdigit() and lines[0] != _VERSION:
        raise UnsupportedFormat(shown, lines[0], _VERSION)
    try:
        entries = [_pair(line) for line in lines[2:-1]]
        whole = lines[0] == _VERSION and int(lines[1]) == len(entries) and lines[-1] == ""
    except (ValueError, IndexError):
        entries, whole = [], False
    if not whole or not all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(entries)):
        raise Corrupt(shown, 0, "not a leader epoch file")
    return entries


def _pair(line: str) -> tuple[int, int]:
    epoch, offset = line.split(" ")
    return int(epoch), int(offset)
