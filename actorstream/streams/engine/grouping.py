"""Groups of rows, by several columns of integers as by one, for which Polars needs a third of the time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars

_NUMBER = "__number"
_NUMBERS_MAX = 2**63 - 1


def grouped_in_order(frame: polars.DataFrame, names: Sequence[str], expressions: Sequence[Any]) -> polars.DataFrame:
    """Of each group the columns `names`, by which rows are grouped, and the expressions; in order of first rows."""
    import polars

    number = one_number([frame[name] for name in names])
    if number is None:
        return frame.group_by(names, maintain_order=True).agg(expressions)
    firsts = [polars.col(name).first() for name in names]
    grouped = frame.group_by(number.alias(_NUMBER), maintain_order=True).agg([*firsts, *expressions])
    return grouped.drop(_NUMBER)


def one_number(columns: Sequence[polars.Series]) -> polars.Series | None:
    """For each row a number that two rows share if all of their columns are equal; None if there may be none.

    The columns are its digits, each to a base of how far the column reaches; so two numbers differ where a digit does.
    There is none for columns that hold something else than integers, times or booleans, where a value is missing, and
    beyond 64 bits.
    """
    import polars

    number, highest = None, 0
    for column in columns:
        if column.is_empty() or column.null_count() or not _holds_integers(column.dtype):
            return None
        integers = column.to_physical()
        low, high = int(integers.min()), int(integers.max())  # type: ignore[arg-type]
        base = high - low + 1
        highest = highest * base + max(abs(low), abs(high))
        if max(highest, base) > _NUMBERS_MAX:
            return None
        digits = integers.cast(polars.Int64)
        number = digits if number is None else number * base + digits
    return number


def _holds_integers(kind: polars.DataType) -> bool:
    import polars

    return kind.is_integer() or kind.is_temporal() or kind == polars.Boolean
