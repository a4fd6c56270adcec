"""The keys of records in topics: as a person would write them, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actorstream.errors import BadInput
from actorstream.model.keys import decode_topic_key, encode_topic_key
from actorstream.model.record import Record


class Colour(Enum):
    """A key by value."""

    RED = "red"


class Place(Record):
    """A key of several parts."""

    city: str
    since: datetime


READABLE: list[tuple[Any, bytes]] = [
    ("JFK", b"JFK"),
    ("", b""),
    ("a b", b"a b"),
    ("42", b'"42"'),
    (" 42", b'" 42"'),
    ("true", b'"true"'),
    ("null", b'"null"'),
    ('"a"', b'"\\"a\\""'),
    ("[1]", b'"[1]"'),
    ("{", b"{"),
    ("-", b"-"),
    ("NaN", b"NaN"),
    (42, b"42"),
    (True, b"true"),
    (2**70, b"1180591620717411303424"),
    (("JFK", 1), b'["JFK",1]'),
    (Colour.RED, b"red"),
    (b"\x00\xff", b"\x00\xff"),
    (datetime(2024, 1, 1, tzinfo=UTC), b'"2024-01-01T00:00:00Z"'),
    (datetime(2024, 1, 1), b'"2024-01-01T00:00:00Z"'),
    (Place("a", datetime(2024, 1, 1)), b'{"city":"a","since":"2024-01-01T00:00:00Z"}'),
]


@pytest.mark.parametrize(("key", "data"), READABLE, ids=repr)
def test_a_key_is_written_as_a_person_would(key: Any, data: bytes) -> None:
    """Text as it is, unless it would read as something else; the rest as JSON; naive times as UTC."""
    assert encode_topic_key(key) == data


@given(key=st.text() | st.integers() | st.booleans() | st.none())
@example(key="[" * 100_000)
@example(key="1e999")
@example(key='"\\ud800"')
def test_texts_and_numbers_come_back_as_they_were(key: Any) -> None:
    """Each with its type."""
    back = decode_topic_key(encode_topic_key(key))

    assert (back, type(back)) == (key, type(key))


@given(one=st.text() | st.integers() | st.booleans(), other=st.text() | st.integers() | st.booleans())
def test_keys_that_differ_are_written_differently(one: Any, other: Any) -> None:
    """Also 1 and "1", 1 and True."""
    assert (encode_topic_key(one) == encode_topic_key(other)) == ((one, type(one)) == (other, type(other)))


@given(data=st.none() | st.binary())
@example(data=b"[" * 100_000)
def test_any_bytes_are_a_key(data: bytes | None) -> None:
    """JSON, else text, else themselves: other writers have keys of their own."""
    key = decode_topic_key(data)

    if isinstance(key, bytes):
        assert key == data


def test_no_key_is_none() -> None:
    """As a record without one has it."""
    assert decode_topic_key(None) is None


@pytest.mark.parametrize(
    "key", [1.5, object(), "\ud800", ("\ud800",), Place("a", object())], ids=lambda key: type(key).__name__
)  # type: ignore[arg-type]
def test_what_cannot_be_a_key_is_refused(key: Any) -> None:
    """A person's mistake, with the value."""
    with pytest.raises(BadInput, match=r"cannot be a( record's)? key"):
        encode_topic_key(key)
