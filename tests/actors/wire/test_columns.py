"""Data frames by their columns: what comes is what was sent, whatever it is made of; and nothing else is read."""

from __future__ import annotations

import gc
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from actorstream.actors import Message, Ref
from actorstream.actors.wire import Codec, columns
from actorstream.errors import BadInput

ROWS = 5_000
VALUES: dict[str, tuple[Any, list[Any]]] = {
    "i8": (pl.Int8, [1, -1, None]),
    "i16": (pl.Int16, [1, -(2**15)]),
    "i32": (pl.Int32, [1, -(2**31), None]),
    "i64": (pl.Int64, [1, -(2**63)]),
    "u8": (pl.UInt8, [0, 255, None, 3, 4]),
    "u16": (pl.UInt16, [0, 2**16 - 1]),
    "u32": (pl.UInt32, [0, 2**32 - 1]),
    "u64": (pl.UInt64, [0, 2**64 - 1, None]),
    "f32": (pl.Float32, [0.5, float("inf"), None]),
    "f64": (pl.Float64, [0.5, float("nan")]),
    "flag": (pl.Boolean, [True, False, False]),
    "maybe": (pl.Boolean, [True, None, False]),
    "day": (pl.Date, [date(1969, 1, 1), None, date(2041, 5, 6)]),
    "at": (pl.Datetime("us", "UTC"), [datetime(2013, 1, 1, tzinfo=UTC), None]),
    "ms": (pl.Datetime("ms"), [datetime(1960, 1, 1)]),
    "for": (pl.Duration("us"), [timedelta(seconds=-3), None]),
    "clock": (pl.Time, [time(12, 3), None]),
    "text": (pl.String, ["a", None, "longer than twelve bytes"]),
    "list": (pl.List(pl.Int64), [[1, 2], [], None]),
    "price": (pl.Decimal(10, 2), [None]),
    "kind": (pl.Enum(["x", "y"]), ["x", "y", None]),
    "pair": (pl.Struct({"a": pl.Int64}), [{"a": 1}, {"a": None}]),
    "none": (pl.Null, [None]),
}


class Columns(Message):
    frame: pl.DataFrame


def column(name: str, rows: int) -> pl.Series:
    """So many values of one kind, over and over."""
    dtype, values = VALUES[name]
    return pl.Series(name, (values * (rows // len(values) + 1))[:rows], dtype=dtype)


def through(frame: pl.DataFrame, ahead: int = 0) -> pl.DataFrame:
    """The frame, as it comes out at the other end, from so many bytes into a buffer."""
    sent = b"".join(Codec().encode(Ref("a"), Ref("b"), Columns(frame)))
    (came,) = Codec().decode(memoryview(bytearray(bytes(ahead) + sent))[ahead:]).messages
    assert isinstance(came, Columns)
    return came.frame


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=6, unique=True),
    start=st.integers(0, 20),
    end=st.integers(-20, -1),
    ahead=st.integers(0, 17),
    parts=st.integers(1, 3),
)
def test_every_kind_of_column_comes_as_it_was(names: list[str], start: int, end: int, ahead: int, parts: int) -> None:
    """Alone and with others, a part of a larger one, in pieces, aligned or not."""
    piece = pl.DataFrame([column(name, ROWS) for name in names])
    frame = pl.concat([piece] * parts, rechunk=False)[start:end]

    came = through(frame, ahead)

    assert_frame_equal(came, frame)
    assert came.schema == frame.schema


@pytest.mark.parametrize("rows", [0, 1, columns.ROWS_MIN - 1, columns.ROWS_MIN])
def test_short_frames_come_too(rows: int) -> None:
    """As an Arrow stream."""
    frame = pl.DataFrame([column(name, rows) for name in VALUES])

    assert_frame_equal(through(frame), frame)


def test_columns_of_a_fixed_width_are_not_copied() -> None:
    """And what is sent stays there for as long as it is needed, also when nobody else holds the frame."""
    frame = pl.concat([pl.DataFrame([column("i64", ROWS)])] * 2, rechunk=False)
    found = columns.parts_of(frame)
    assert found is not None
    before = frame["i64"].to_list()
    del frame
    gc.collect()
    noise = [pl.Series([number] * 2 * ROWS) for number in range(20)]

    sizes, parts = found
    data = bytearray(b"".join(parts))
    came = columns.read(2 * ROWS, sizes, memoryview(data))
    assert came["i64"].to_list() == before
    data[sizes[0] + -sizes[0] % 8] ^= 1
    assert came["i64"][0] == 0
    del noise


SIZES, PARTS = columns.parts_of(pl.DataFrame([column(name, ROWS) for name in ("i32", "maybe", "text")])) or ([], [])
DATA = b"".join(PARTS)


@settings(max_examples=200, deadline=None)
@given(
    height=st.just(ROWS) | st.integers(-(2**40), 2**40),
    sizes=st.just(SIZES) | st.lists(st.sampled_from(SIZES) | st.integers(-5, 2**40), max_size=7),
    place=st.integers(0, len(DATA) - 1),
    change=st.integers(0, 255),
)
def test_what_is_no_frame_is_bad_input_or_another_frame(height: int, sizes: list[int], place: int, change: int) -> None:
    """Wrong sizes, a wrong height, other bytes: nothing else is raised, and nothing beyond the data is read."""
    data = bytearray(DATA)
    data[place] ^= change
    try:
        came = columns.read(height, sizes, memoryview(data))
    except BadInput:
        return
    came.to_dicts()
