"""Records as the columns of a frame, and back."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.errors import BadInput
from actorstream.model.record import Record
from actorstream.streams.frames import frame_to_rows, polars_schema, record_type_of, rows_to_frame

NOON = datetime(2013, 1, 1, 12, tzinfo=UTC)


class Size(Enum):
    """An Enum by texts."""

    SMALL = "s"
    LARGE = "l"


class Inner(Record):
    """A Record in a Record."""

    n: int
    at: datetime | None = None


class Everything(Record):
    """A field of each kind."""

    integer: int
    number: float
    text: str
    truth: bool
    data: bytes
    at: datetime
    day: date
    clock: time
    length: timedelta
    uuid: UUID
    exact: Decimal
    items: list[int]
    labels: frozenset[str]
    pair: tuple[int, str]
    inner: Inner
    size: Size
    letter: Literal["x", "y"]
    table: dict[str, int]
    anything: Any
    either: int | str
    maybe: int | None
    maybe_at: datetime | None
    maybe_inner: Inner | None


class Bid(Record):
    """A small one, with a default."""

    auction: int
    price: float
    at: datetime = NOON
    tags: list[str] = msgspec.field(default_factory=list)


integers = st.integers(-(2**63), 2**63 - 1)
times = st.datetimes(timezones=st.just(UTC))
inners = st.builds(Inner, integers, st.none() | times)
everythings = st.builds(
    Everything,
    integer=integers,
    number=st.floats(allow_nan=False),
    at=times,
    day=st.dates(),
    clock=st.times(),
    length=st.timedeltas(timedelta(-(10**6)), timedelta(10**6)),
    exact=st.decimals(allow_nan=False, allow_infinity=False),
    items=st.lists(integers),
    inner=inners,
    anything=st.none() | st.integers() | st.dictionaries(st.text(), st.integers()),
    maybe=st.none() | integers,
    maybe_at=st.none() | times,
    maybe_inner=st.none() | inners,
)


@given(st.lists(everythings, max_size=5))
def test_records_come_back_as_they_were(rows: list[Everything]):
    """A frame loses nothing, whatever the fields."""
    assert frame_to_rows(rows_to_frame(rows, Everything), Everything) == rows


def test_the_schema_of_a_frame_is_the_schema_of_its_type():
    """Also when there are no rows."""
    row = msgspec.convert(
        {"integer": 1, "number": 1.0, "text": "", "truth": True, "data": "", "at": NOON, "day": "2013-01-01"}
        | {"clock": "12:00:00", "length": "P1D", "uuid": str(UUID(int=1)), "exact": "1.5", "items": [1]}
        | {"labels": ["a"], "pair": [1, "x"], "inner": {"n": 1}, "size": "s", "letter": "x", "table": {}, "anything": 1}
        | {"either": "a", "maybe": 1, "maybe_at": NOON, "maybe_inner": {"n": 1}},
        Everything,
    )

    assert dict(rows_to_frame([row], Everything).schema) == polars_schema(Everything)
    assert dict(rows_to_frame([], Everything).schema) == polars_schema(Everything)
    assert polars_schema(Everything)["at"] == polars.Datetime("us", "UTC")


def test_columns_are_those_asked_for():
    """In the order asked for."""
    assert rows_to_frame([Bid(1, 2.0)], Bid, columns=("price", "auction")).columns == ["price", "auction"]


def test_a_column_that_is_no_field_is_refused():
    """With the fields there are."""
    with pytest.raises(BadInput, match="Bid has no field 'prize'; it has auction, price, at, tags"):
        rows_to_frame([], Bid, columns=("prize",))


def test_extra_columns_are_ignored_and_missing_ones_take_defaults():
    """Each row gets a mutable default of its own."""
    first, second = frame_to_rows(polars.DataFrame({"auction": [1, 2], "price": [1.0, 2.0], "x": [0, 0]}), Bid)

    assert (first, second) == (Bid(1, 1.0), Bid(2, 2.0))
    assert first.tags is not second.tags


def test_a_missing_column_without_a_default_is_refused():
    """Naming the field and the columns there are."""
    with pytest.raises(BadInput, match="there is no column 'price' for the field price of Bid; there are auction"):
        frame_to_rows(polars.DataFrame({"auction": [1]}), Bid)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("auction", polars.Series([1], dtype=polars.UInt8)),
        ("auction", polars.Series([1], dtype=polars.Int16)),
        ("price", polars.Series([1], dtype=polars.Int64)),
        ("price", polars.Series([1.0], dtype=polars.Float32)),
        ("at", polars.Series([datetime(2013, 1, 1, 12)], dtype=polars.Datetime("ns"))),
        ("at", polars.Series([datetime(2013, 1, 1, 12)], dtype=polars.Datetime("ms", "UTC"))),
        ("at", polars.Series(["2013-01-01T12:00:00"])),
    ],
)
def test_dtypes_that_lose_nothing_fit(column: str, values: polars.Series):
    """Narrower numbers, other time units, times as ISO-8601."""
    frame = polars.DataFrame({"auction": [1], "price": [1.0], "at": [NOON]}).with_columns(values.alias(column))

    assert frame_to_rows(frame, Bid) == [Bid(1, 1.0)]


def test_a_time_in_another_zone_becomes_utc():
    """The moment stays."""
    frame = polars.DataFrame({"auction": [1], "price": [1.0], "at": [NOON]})
    there = frame.with_columns(polars.col("at").dt.convert_time_zone("Europe/Paris"))

    (row,) = frame_to_rows(there, Bid)

    assert row.at == NOON
    assert row.at.tzinfo is UTC


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("auction", [1, None], "column 'auction', row 1: the field auction does not admit None: None"),
        ("auction", [1.0, 2.5], "column 'auction', row 0: Expected `int`, got `float`: 1.0"),
        ("auction", ["1", "2"], "column 'auction', row 0: Expected `int`, got `str`: '1'"),
        ("at", ["2013-01-01T12:00:00", "noon"], "column 'at', row 1: Invalid RFC3339 encoded datetime: 'noon'"),
        ("tags", [["a"], ["b", None]], "column 'tags', row 1: Expected `str`, got `null` at [1]: ['b', None]"),
    ],
)
def test_a_value_that_does_not_fit_is_named(column: str, values: list[Any], message: str):
    """By column, row and what was expected."""
    frame = polars.DataFrame({"auction": [1, 2], "price": [1.0, 2.0]}).with_columns(polars.Series(column, values))

    with pytest.raises(BadInput) as caught:
        frame_to_rows(frame, Bid)

    assert str(caught.value) == message


def test_a_whole_number_beyond_64_bits_is_refused():
    """Going in, and coming back."""
    with pytest.raises(BadInput, match="column 'auction', row 1: does not fit 64 bits: 1180591620717411303424"):
        rows_to_frame([Bid(1, 1.0), Bid(2**70, 1.0)], Bid)
    with pytest.raises(BadInput, match="column 'auction'"):
        frame_to_rows(
            polars.DataFrame({"auction": polars.Series([2**64 - 1], dtype=polars.UInt64), "price": [1.0]}), Bid
        )


def test_a_wrong_value_in_a_record_made_by_hand_is_named():
    """Record types do not check what they are called with; columns do."""
    with pytest.raises(BadInput, match="column 'auction', row 1: Expected `int`, got `str`: 'x'"):
        rows_to_frame([Bid(1, 1.0), Bid("x", 1.0)], Bid)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="column 'at', row 0: Expected `datetime`, got `int`: 5"):
        rows_to_frame([Bid(1, 1.0, 5)], Bid)  # type: ignore[arg-type]


def test_constraints_of_a_field_hold():
    """`msgspec.Meta` is checked like the type."""

    class Percent(Record):
        share: Annotated[int, msgspec.Meta(ge=0, le=100)]

    with pytest.raises(BadInput, match="column 'share', row 1: Expected `int` <= 100: 101"):
        frame_to_rows(polars.DataFrame({"share": [1, 101]}), Percent)


def test_a_record_type_is_made_from_a_schema():
    """Its rows are the frame's; nested frames give nested Records."""
    frame = polars.DataFrame({"n": [1, None], "at": [NOON, NOON], "inner": [{"x": 1}, {"x": 2}], "many": [[1], []]})

    made = record_type_of(frame.schema, "Made")
    rows = frame_to_rows(frame, made)

    assert made.__name__ == "Made"
    assert [row.n for row in rows] == [1, None]  # type: ignore[attr-defined]
    assert rows_to_frame(rows, made).equals(frame)


def test_a_column_that_cannot_be_a_field_is_refused():
    """With what to do."""
    with pytest.raises(BadInput, match=r"rename it .*\.alias"):
        record_type_of(polars.Schema({"a b": polars.Int64()}), "Made")


def test_fields_by_keyword_only_and_post_init_are_respected():
    """What a user's `__post_init__` refuses is bad input."""

    class Range(Record, kw_only=True):
        low: int
        high: int = 10

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("low is above high")

    assert frame_to_rows(polars.DataFrame({"low": [1]}), Range) == [Range(low=1)]
    with pytest.raises(BadInput, match="row 0: Range: low is above high"):
        frame_to_rows(polars.DataFrame({"low": [11]}), Range)


def test_polars_is_imported_when_it_is_needed():
    """Not by importing the module."""
    code = "import sys, actorstream.streams.frames; sys.exit('polars' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_times_of_any_year_keep_their_microseconds() -> None:
    """Also those that a float of seconds could not hold."""
    start = datetime(1829, 1, 1, tzinfo=UTC)
    rows = [Moment(start + timedelta(days=97 * day, microseconds=253 + day)) for day in range(2_000)]

    assert frame_to_rows(rows_to_frame(rows, Moment), Moment) == rows


class Moment(Record):
    at: datetime
