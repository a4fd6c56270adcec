"""Pairs of rows of two frames, by Polars: of one key and window each, in bounded pieces. Pure.

Theory of operation. Both frames have the columns `END` (which window) and the key's, and are in order. A join that
keeps the order of the left, and for each row of it that of the right, gives the pairs. How many there are is not known
before, and a key that both sides have often makes many: so where the product of both heights allows more than
`PAIRS_MAX`, the rows of the right are counted by key and window first, and if need be the left is cut where its pairs
are too many. So at most `PAIRS_MAX` are made at once, or as many as one row has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars

END = " end"
"""The column that says in which window a row is; no field of a Record can have such a name."""

_OFTEN = " often"

PAIRS_MAX = 262_144
"""Pairs of a window join over columns that are made at once, unless one record has more."""


def key_column(place: int) -> str:
    """The column of a part of the key."""
    return f" key{place}"


class Pairing:
    """See the module.

    Args:
        how: "inner", "left" or "outer".
        keys: how many columns the key has.
        columns: what becomes of a pair: name → column of either side.
    """

    def __init__(self, how: str, keys: int, columns: dict[str, str]) -> None:
        self._how, self._on, self._columns = how, [END, *map(key_column, range(keys))], columns

    def pairs(self, left: polars.DataFrame, right: polars.DataFrame) -> Iterator[polars.DataFrame]:
        """All pairs, with their `END`, in order of it; of a window first those that have a left side, in its order."""
        if left.height * right.height <= PAIRS_MAX:
            yield self._all(left, right)
            return
        often = self._often(right)
        if left.height * _most(often) <= PAIRS_MAX:  # Mostly so, and quick to see.
            yield self._all(left, right)
            return
        counts = self._counts(left, often)
        if counts.sum() <= PAIRS_MAX:
            yield self._all(left, right)
        elif len(ends := _ends(left, right)) > 1:
            yield from self._by_window(left, right, ends)
        else:
            yield from self._in_pieces(left, right, counts)

    def _by_window(
        self, left: polars.DataFrame, right: polars.DataFrame, ends: polars.Series
    ) -> Iterator[polars.DataFrame]:
        import polars

        for end in ends:
            yield from self.pairs(left.filter(polars.col(END) == end), right.filter(polars.col(END) == end))

    def _in_pieces(
        self, left: polars.DataFrame, right: polars.DataFrame, counts: polars.Series
    ) -> Iterator[polars.DataFrame]:
        """The pairs of one window, of some rows of the left after the other."""
        start, made = 0, 0
        for place, count in enumerate(counts.to_list()):
            if made and made + count > PAIRS_MAX:
                yield self._pieces(left[start:place], right)
                start, made = place, 0
            made += count
        yield self._pieces(left[start:], right)
        if self._how == "outer":
            yield self._chosen(self._alone(left, right))

    def _often(self, right: polars.DataFrame) -> polars.DataFrame:
        """How many rows of the right each key and window has."""
        import polars

        return right.group_by(self._on).agg(polars.len().alias(_OFTEN))

    def _counts(self, left: polars.DataFrame, often: polars.DataFrame) -> Any:
        """How many rows each row of the left gives."""
        found = left.select(self._on).join(often, on=self._on, how="left", nulls_equal=True, maintain_order="left")
        return found[_OFTEN].fill_null(0 if self._how == "inner" else 1)

    def _all(self, left: polars.DataFrame, right: polars.DataFrame) -> polars.DataFrame:
        import polars

        met = self._pieces(left, right)
        if self._how != "outer":
            return met
        alone = self._chosen(self._alone(left, right))
        return polars.concat([met, alone]).sort(END, maintain_order=True) if alone.height else met

    def _pieces(self, left: polars.DataFrame, right: polars.DataFrame) -> polars.DataFrame:
        how: Any = "inner" if self._how == "inner" else "left"
        return self._chosen(left.join(right, on=self._on, how=how, nulls_equal=True, maintain_order="left_right"))

    def _alone(self, left: polars.DataFrame, right: polars.DataFrame) -> polars.DataFrame:
        """The rows of the right that no row of the left meets, with the columns of the left, which are null."""
        import polars

        alone = right.join(left, on=self._on, how="anti", nulls_equal=True, maintain_order="left")
        missing = [name for name in left.columns if name not in alone.columns]
        return alone.with_columns(polars.lit(None, dtype=left.schema[name]).alias(name) for name in missing)

    def _chosen(self, frame: polars.DataFrame) -> polars.DataFrame:
        import polars

        return frame.select(END, *(polars.col(column).alias(name) for name, column in self._columns.items()))


def _ends(left: polars.DataFrame, right: polars.DataFrame) -> polars.Series:
    """The windows of both sides, in order."""
    import polars

    return polars.concat([left[END], right[END]]).unique().sort()


def _most(often: polars.DataFrame) -> int:
    """The largest of these counts; 1 if there are none, because a row may come alone."""
    counts: Any = often[_OFTEN].max()
    return int(counts or 1)
