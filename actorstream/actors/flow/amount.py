"""How much flows: records and bytes, and the sizes of windows in both."""

from __future__ import annotations

from typing import NamedTuple


class Amount(NamedTuple):
    """So many records, which take so many bytes."""

    records: int
    size_bytes: int

    def fits(self, other: Amount) -> bool:
        """Whether this is no more than `other`, in both."""
        return self.records <= other.records and self.size_bytes <= other.size_bytes

    def plus(self, other: Amount) -> Amount:
        """Both together."""
        return Amount(self.records + other.records, self.size_bytes + other.size_bytes)

    def minus(self, other: Amount) -> Amount:
        """What is left without `other`; may be below zero."""
        return Amount(self.records - other.records, self.size_bytes - other.size_bytes)


NOTHING = Amount(0, 0)

WINDOW_RECORDS = 4_096
WINDOW_BYTES = 1 << 18
WINDOW_RECORDS_MIN = 128
WINDOW_BYTES_MIN = 1 << 14
WINDOW_RECORDS_MAX = 1 << 18
WINDOW_BYTES_MAX = 1 << 24

FIRST_WINDOW = Amount(WINDOW_RECORDS, WINDOW_BYTES)
"""The window of a channel that has just been opened."""

LEAST_WINDOW = Amount(WINDOW_RECORDS_MIN, WINDOW_BYTES_MIN)
"""No window shrinks below this, however slow the receiver."""

MOST_WINDOW = Amount(WINDOW_RECORDS_MAX, WINDOW_BYTES_MAX)
"""No window grows beyond this, however fast the receiver."""
