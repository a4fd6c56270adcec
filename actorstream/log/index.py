"""Where to begin looking in a segment: by offset, and by time. Sparse, an entry at most every 4096 bytes.

Guarantees: an index only ever says where to begin; the batches there are read and checked. Its file is written whole
when a segment is sealed or the log is closed, and is built again from the batches when it is missing or makes no
sense. Files are as Kafka's: `.index` has (offset - base, position) as two int32, `.timeindex` has (timestamp, offset -
base) as int64 and int32, all big-endian.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from struct import Struct

INTERVAL_BYTES = 4096
"""So many bytes of batches pass before the next entry."""

_TIME = Struct(">qi")


class OffsetIndex:
    """Positions of some batches of a segment, by their last offset."""

    __slots__ = ("_base", "_offsets", "_positions")

    def __init__(self, base_offset: int) -> None:
        self._base = base_offset
        self._offsets = array("i")
        self._positions = array("i")

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, last_offset: int, position: int) -> None:
        """Remember a batch; batches come in order."""
        self._offsets.append(last_offset - self._base)
        self._positions.append(position)

    def position_before(self, offset: int) -> int:
        """The position of a batch that is not after the one that holds `offset`; 0 if none is known."""
        index = bisect_right(self._offsets, offset - self._base) - 1
        return self._positions[index] if index >= 0 else 0

    @property
    def last(self) -> tuple[int, int]:
        """(last offset, position) of the last batch that is noted."""
        return self._base + self._offsets[-1], self._positions[-1]

    def cut(self, offset: int) -> None:
        """Forget the batches that end at or after this offset."""
        keep = bisect_left(self._offsets, offset - self._base)
        del self._offsets[keep:]
        del self._positions[keep:]

    def encode(self) -> bytes:
        """The file's content."""
        both = array("i", bytes(8 * len(self)))
        both[0::2], both[1::2] = self._offsets, self._positions
        return _big_endian(both).tobytes()

    @classmethod
    def decode(cls, data: bytes, base_offset: int, size: int) -> OffsetIndex | None:
        """The index of a segment of `size` bytes, or None if `data` cannot be one."""
        if len(data) % 8:
            return None
        both = array("i")
        both.frombytes(data)
        _big_endian(both)
        index = cls(base_offset)
        index._offsets, index._positions = both[0::2], both[1::2]
        return index if _rising(index._offsets) and _rising(index._positions, below=size) else None


class TimeIndex:
    """The largest timestamp so far, and the last offset of the batch that brought it."""

    __slots__ = ("_base", "_offsets", "_times")

    def __init__(self, base_offset: int) -> None:
        self._base = base_offset
        self._times = array("q")
        self._offsets = array("i")

    def __len__(self) -> int:
        return len(self._times)

    @property
    def last_timestamp_ms(self) -> int:
        """The largest timestamp noted; -1 if there is none."""
        return self._times[-1] if self._times else -1

    def add(self, timestamp_ms: int, last_offset: int) -> None:
        """Note the largest timestamp so far; one that is not larger than the last says nothing new."""
        if timestamp_ms > self.last_timestamp_ms:
            self._times.append(timestamp_ms)
            self._offsets.append(last_offset - self._base)

    def offset_before(self, timestamp_ms: int) -> int:
        """An offset such that all records before it are older than `timestamp_ms`."""
        index = bisect_left(self._times, timestamp_ms) - 1
        return self._base + (self._offsets[index] if index >= 0 else 0)

    def cut(self, offset: int) -> None:
        """Forget what lies at or after this offset."""
        keep = bisect_left(self._offsets, offset - self._base)
        del self._times[keep:]
        del self._offsets[keep:]

    def encode(self) -> bytes:
        """The file's content."""
        return b"".join(map(_TIME.pack, self._times, self._offsets))

    @classmethod
    def decode(cls, data: bytes, base_offset: int) -> TimeIndex | None:
        """The index, or None if `data` cannot be one."""
        if len(data) % _TIME.size:
            return None
        index = cls(base_offset)
        for timestamp_ms, offset in _TIME.iter_unpack(data):
            index._times.append(timestamp_ms)
            index._offsets.append(offset)
        return index if _rising(index._times) and _rising(index._offsets) else None


def _big_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _rising(numbers: array[int], below: int | None = None) -> bool:
    """Whether every number is larger than the one before, the first is not negative, the last is below the bound."""
    if not numbers:
        return True
    inside = numbers[0] >= 0 and (below is None or numbers[-1] < below)
    return inside and all(map(int.__lt__, numbers, numbers[1:]))
