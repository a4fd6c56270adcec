"""Grouping by several columns as by one number: the same groups, in the same order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.streams.engine.grouping import grouped_in_order, one_number

KINDS: dict[Any, st.SearchStrategy[Any]] = {
    pl.Int64: st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1),
    pl.UInt64: st.integers(0, 3) | st.integers(0, 2**64 - 1),
    pl.Int8: st.integers(-128, 127),
    pl.Boolean: st.booleans(),
    pl.Date: st.dates(),
    pl.Datetime("us", "UTC"): st.datetimes(timezones=st.just(UTC)),
    pl.Duration("us"): st.timedeltas(timedelta(days=-3), timedelta(days=3)),
    pl.String: st.sampled_from(["", "a", "b"]),
}


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    """Two or three columns of any kinds, in which values repeat, or are missing."""
    count = draw(st.integers(0, 12))
    columns = {}
    for name in "abc"[: draw(st.integers(2, 3))]:
        kind = draw(st.sampled_from(list(KINDS)))
        some = draw(st.lists(KINDS[kind], min_size=1, max_size=4))
        if draw(st.integers(0, 5)) == 0:
            some.append(None)
        values = draw(st.lists(st.sampled_from(some), min_size=count, max_size=count))
        columns[name] = pl.Series(values, dtype=kind)
    return pl.DataFrame(columns)


@given(frames())
def test_groups_are_those_of_polars(frame: pl.DataFrame) -> None:
    """In order of their first rows, whatever the columns hold."""
    names = frame.columns
    rows = frame.with_row_index("row")
    expressions = [pl.len().alias("count"), pl.col("row")]

    found = grouped_in_order(rows, names, expressions)

    assert found.equals(rows.group_by(names, maintain_order=True).agg(expressions))


@given(frames())
def test_rows_share_a_number_if_all_columns_are_equal(frame: pl.DataFrame) -> None:
    """And else they do not."""
    number = one_number(frame.get_columns())
    if number is not None:
        assert number.dtype == pl.Int64
        assert len(set(number)) == len(set(frame.rows())) == len(set(zip(number, frame.rows(), strict=True)))


@pytest.mark.parametrize(
    ("columns", "there_is_one"),
    [
        ([[1, 2], [3, 4]], True),
        ([[datetime(2024, 1, 1, tzinfo=UTC)], [date(2024, 1, 1)], [True]], True),
        ([[-(2**63) + 2, 0]], True),
        ([[-(2**63) + 1, 0]], False),
        ([[0, 2**32], [0, 2**31 - 2]], True),
        ([[0, 2**32], [0, 2**31]], False),
        ([[1], ["a"]], False),
        ([[1], [1.5]], False),
        ([[1, 1], [1, None]], False),
        ([[], []], False),
    ],
)
def test_there_is_a_number_where_it_fits(columns: list[list[Any]], there_is_one: bool) -> None:
    """Integers, times and booleans, as far as 64 bits reach."""
    assert (one_number([pl.Series(column) for column in columns]) is not None) == there_is_one
