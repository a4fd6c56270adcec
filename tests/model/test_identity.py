"""The identity of a key: bytes that differ exactly when keys do, and that give the key back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum, IntEnum
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.model.identity import KEY_GROUPS, BadKey, Encoder, decode, encode, key_group
from actorstream.model.record import Record


class Colour(Enum):
    """A key by value."""

    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    """A key that is a number, too."""

    LOW = 1
    HIGH = 2


class Place(Record, kw_only=True):
    """A key of several parts."""

    city: str
    colour: Colour | None = None


class Point(NamedTuple):
    """A tuple with names."""

    x: int
    level: Level


scalars: Any = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes(timezones=st.just(UTC))
    | st.uuids()
)
keys = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=6)


def shape(key: Any) -> Any:
    """A key with the types of its parts, so that 1 and True differ."""
    return (tuple, [shape(part) for part in key]) if isinstance(key, tuple) else (type(key), key)


@given(key=keys)
def test_a_key_comes_back_as_it_was(key: Any) -> None:
    """Its parts with their types."""
    assert shape(decode(encode(key))) == shape(key)


@given(one=keys, other=keys)
def test_encodings_differ_exactly_when_keys_do(one: Any, other: Any) -> None:
    """No two keys share an identity, and no key has two."""
    assert (encode(one) == encode(other)) == (shape(one) == shape(other))


@given(every=st.lists(keys, min_size=2, max_size=6))
def test_keys_that_equal_each_other_in_python_are_told_apart(every: list[Any]) -> None:
    """1, True and "1", b"1" are four keys."""
    assert len({encode(key) for key in [1, True, "1", b"1", (1,), None]}) == 6
    assert len({encode(key) for key in every}) == len({str(shape(key)) for key in every})


def test_the_same_moment_is_the_same_key() -> None:
    """In whatever zone; a naive time is read as UTC."""
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)

    assert encode(noon) == encode(noon.astimezone(timezone(timedelta(hours=2)))) == encode(datetime(2024, 1, 1, 12))
    assert encode(noon) != encode(date(2024, 1, 1))


class Text(str):
    """A kind of str."""


@pytest.mark.parametrize(
    ("key", "like"), [(Text("a"), "a"), (Point(1, Level.LOW), (1, Level.LOW))], ids=["a subclass", "a named tuple"]
)
def test_a_subclass_is_the_key_that_it_extends(key: Any, like: Any) -> None:
    """What else it is does not count."""
    assert encode(key) == encode(like)


TYPED: list[tuple[Any, Any]] = [
    (Colour.RED, Colour),
    (Level.HIGH, Level),
    (Level.HIGH, int | Level),
    (Colour.BLUE, Colour | None),
    (Colour.BLUE, Annotated[Colour, "a remark"]),
    (Level.LOW, Colour | Level),
    (Place(city="Paris"), Place),
    (Place(city="Paris", colour=Colour.RED), Place | None),
    ((Colour.RED, 1), tuple[Colour, int]),
    ((Colour.RED, Colour.BLUE), tuple[Colour, ...]),
    ((Colour.RED,), tuple[Colour, ...]),
    (((Place(city="a"), 1), "b"), tuple[tuple[Place, int], str]),
    (Point(1, Level.HIGH), Point),
    (Point(1, Level.HIGH), Point | None),
    (None, Colour | None),
    (datetime(2024, 1, 1, tzinfo=UTC), datetime),
    (UUID(int=7), UUID),
]


@pytest.mark.parametrize(("key", "kind"), TYPED, ids=str)
def test_enums_records_and_named_tuples_come_back_by_their_type(key: Any, kind: Any) -> None:
    """Also within tuples and unions."""
    back = decode(encode(key), kind)

    assert (back, type(back)) == (key, type(key))


@pytest.mark.parametrize(
    ("key", "kind"),
    [(Colour.RED, Any), (Place(city="a"), Any), (Colour.RED, Level), (Place(city="a"), Colour), ((Colour.RED, 1), Any)],
    ids=str,
)
def test_without_its_type_an_enum_or_record_cannot_be_restored(key: Any, kind: Any) -> None:
    """The error says what to annotate."""
    with pytest.raises(BadKey, match="annotate what the function given to key_by returns"):
        decode(encode(key), kind)


@pytest.mark.parametrize("key", [1.5, float("nan"), (1, 2.0), Place(city=1.5)], ids=repr)  # type: ignore[arg-type]
def test_a_float_is_refused_with_a_hint(key: Any) -> None:
    """Also within a tuple or a Record."""
    with pytest.raises(BadKey, match="is a float and cannot be a key; round it to an int"):
        encode(key)


@pytest.mark.parametrize(
    "key", [[1], {"a": 1}, object(), {1}, timedelta(1), "\ud800", ("\ud800",)], ids=lambda key: type(key).__name__
)
def test_other_values_are_refused(key: Any) -> None:
    """A person's mistake, which is a ValueError and a TypeError."""
    with pytest.raises(BadKey, match="cannot be a key") as raised:
        encode(key)

    assert isinstance(raised.value, ValueError)
    assert isinstance(raised.value, TypeError)


@given(data=st.binary())
def test_other_bytes_are_a_key_or_refused(data: bytes) -> None:
    """Never a crash."""
    for kind in (Any, Colour, Place, Point):
        with suppress(BadKey):
            decode(data, kind)


pools: list[Callable[[], Any]] = [
    lambda: st.lists(st.text(max_size=2)),
    lambda: st.lists(st.integers(-3, 3)),
    lambda: st.lists(st.booleans()),
    lambda: st.lists(st.dates(max_value=date(1, 1, 9))),
    lambda: st.lists(keys),
]


@given(data=st.data())
def test_many_at_once_are_the_same_as_one_by_one(data: st.DataObject) -> None:
    """What was seen before is remembered, with its type."""
    encoder = Encoder()

    for pool in pools:
        every = data.draw(pool())
        assert encoder.encode_all(every) == [encode(key) for key in every]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many keys are encoded all the same."""
    monkeypatch.setattr("actorstream.model.identity._MEMO_MAX", 10)
    encoder = Encoder()

    for start in range(0, 100, 20):
        every = list(range(start, start + 20))
        assert encoder.encode_all(every) == [encode(key) for key in every]


def test_key_groups_share_the_keys_out_and_never_change() -> None:
    """A job's state is found by them; these are the numbers of the first version."""
    groups = {key_group(encode(number)) for number in range(10_000)}

    assert groups == set(range(KEY_GROUPS))
    assert [key_group(encode(key)) for key in ("JFK", 1, None, ("JFK", 1))] == GROUPS


GROUPS = [97, 48, 12, 75]


def test_encodings_never_change() -> None:
    """State that was written is found again: these are the bytes of the first version."""
    place = Place(city="Paris", colour=Colour.RED)

    assert [encode(key).hex() for key in ("JFK", 1, True, None, b"x", ("a", 1), Colour.RED, place, 2**64)] == ENCODED
    assert [encode(key).hex() for key in (date(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), UUID(int=7))] == OF_TIMES


ENCODED = [
    "a34a464b",
    "01",
    "c3",
    "c0",
    "c40178",
    "92a17492a16101",
    "92a165a3726564",
    "92a17292a5506172697392a165a3726564",
    "92a169b43138343436373434303733373039353531363136",
]
OF_TIMES = ["92a144ce000b4646", "92a164cf00060dd710212000", "92a175c41000000000000000000000000000000007"]
