"""Values in topics: JSON, times in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.errors import BadInput
from actorstream.model.record import Record
from actorstream.model.values import encode_value, encode_values


class Colour(Enum):
    """Written by value."""

    RED = "red"


class Bid(Record):
    """A value of a topic."""

    item: str
    at: datetime
    price: float | None = None


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (Bid("a", datetime(2024, 1, 1, 12)), b'{"item":"a","at":"2024-01-01T12:00:00Z","price":null}'),
        (
            Bid("a", datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))), 1.5),
            b'{"item":"a","at":"2024-01-01T10:00:00Z","price":1.5}',
        ),
        ({"at": [datetime(2024, 1, 1, 0, 0, 0, 250_000)]}, b'{"at":["2024-01-01T00:00:00.250000Z"]}'),
        (("a", 1, None, True), b'["a",1,null,true]'),
        (Colour.RED, b'"red"'),
        (date(2024, 1, 1), b'"2024-01-01"'),
    ],
    ids=str,
)
def test_a_value_is_json_with_times_in_utc(value: Any, data: bytes) -> None:
    """Records as objects by field name; a naive time is read as UTC."""
    assert encode_value(value) == data


@given(bids=st.lists(st.builds(Bid, st.text(), st.datetimes(timezones=st.just(UTC)), st.none() | st.floats(0, 1))))
def test_many_values_are_written_as_each_by_itself(bids: list[Bid]) -> None:
    """Also beside values of other types."""
    assert encode_values(bids) == [encode_value(bid) for bid in bids]
    assert encode_values([1, *bids]) == [b"1", *encode_values(bids)]


def loop() -> list[Any]:
    """A list that holds itself."""
    inner: list[Any] = []
    inner.append(inner)
    return inner


@pytest.mark.parametrize(
    "value",
    [object(), "\ud800", {(1, 2): 3}, loop(), Bid("a", object())],  # type: ignore[arg-type]
    ids=["object", "surrogate", "tuple key", "loop", "object in a record"],
)
def test_what_has_no_json_is_refused(value: Any) -> None:
    """A person's mistake, not a crash."""
    with pytest.raises(BadInput, match="a value cannot be written as JSON"):
        encode_values([1, value])
