"""The numbers of one producer in one partition: which should come next, and which have not come.

Guarantees: of the numbers from `floor` on, each is below `expected` and came, or lies in `missing`, or is still to
come. What lies below `floor` is not remembered.
"""

from __future__ import annotations

from bisect import bisect_right

import msgspec

GAP, LATE, DUPLICATE, OLD = "gap", "late", "duplicate", "old"

GAPS_MAX = 100
"""Gaps that are remembered of a key in a partition; of more, those of the smallest numbers are forgotten."""


class Numbering(msgspec.Struct, array_like=True):
    """See the module. `missing`: ranges of numbers, half-open, in order."""

    floor: int
    expected: int
    missing: list[tuple[int, int]] = []

    def take(self, number: int) -> str | None:
        """A number has come: what is wrong with it, or None.

        Example:
            >>> numbering = Numbering(1, 2)
            >>> [numbering.take(number) for number in (2, 5, 3, 3, 0, 6)]
            [None, 'gap', 'late', 'duplicate', 'old', None]
            >>> numbering.missing
            [(4, 5)]
        """
        if number == self.expected:
            self.expected += 1
            return None
        if number > self.expected:
            self.missing.append((self.expected, number))
            self.expected = number + 1
            self._forget()
            return GAP
        if number < self.floor:
            return OLD
        place = bisect_right(self.missing, number, key=lambda gap: gap[0]) - 1
        if place < 0 or number >= self.missing[place][1]:
            return DUPLICATE
        start, end = self.missing[place]
        self.missing[place : place + 1] = [gap for gap in ((start, number), (number + 1, end)) if gap[0] < gap[1]]
        self._forget()
        return LATE

    def _forget(self) -> None:
        if len(self.missing) > GAPS_MAX:
            self.floor = self.missing.pop(0)[1]
