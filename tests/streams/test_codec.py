"""Values of a state come back as what they were, whatever their declaration says."""

from __future__ import annotations

import math
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream import Record
from actorstream.errors import BadInput
from actorstream.model.codec import Codec, is_exact
from actorstream.model.tagged import Tagged


class Colour(Enum):
    """A plain Enum."""

    RED = "red"


class Size(IntEnum):
    """One that equals a number."""

    SMALL = 1


class Shape(StrEnum):
    """One that equals a text."""

    ROUND = "round"


class OnlyHere(Enum):
    """One whose name no other module has."""

    ONE = 1


class Point(NamedTuple):
    """A tuple with names."""

    x: int
    y: int


class Payment(Record):
    """A Record with a type for every field."""

    amount: float
    at: datetime
    tags: tuple[str, ...] = ()


class Refund(Payment):
    """One that extends another."""

    reason: str = ""


class Envelope(Record, kw_only=True):
    """A Record that says little of what it holds."""

    content: Any
    note: Any = None


NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.times()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.sampled_from([*Colour, *Size, *Shape])
    | st.builds(Point, st.integers(), st.integers())
    | st.builds(Payment, st.floats(allow_nan=False), st.just(NOON), st.lists(st.text()).map(tuple))
)
keys = st.text() | st.integers() | st.tuples(st.text(), st.integers()) | st.sampled_from([*Size, *Shape])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(keys, inner)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers() | st.text())
        | st.builds(Envelope, content=inner, note=inner)
    ),
    max_leaves=8,
)


def types_of(value: Any) -> Any:
    """The types of a value and all that it holds, in the same shape."""
    if isinstance(value, Record):
        return type(value), [types_of(getattr(value, name)) for name in value.__struct_fields__]
    if isinstance(value, dict):
        return type(value), [(types_of(key), types_of(one)) for key, one in value.items()]
    return (type(value), [types_of(one) for one in value]) if isinstance(value, list | tuple) else type(value)


@given(value=values)
def test_without_a_declaration_values_and_their_types_come_back(value: Any) -> None:
    """Records, Enums, tuples, dates, large ints: nothing turns into something like it."""
    codec = Codec("state", Any)

    back = codec.decode(codec.encode(value))

    assert back == value
    assert types_of(back) == types_of(value)


@given(value=st.lists(st.builds(Payment, st.floats(), st.just(NOON), st.lists(st.text()).map(tuple))))
def test_with_a_declaration_values_come_back(value: list[Payment]) -> None:
    """Also those that equal nothing, themselves included."""
    codec = Codec("state", list[Payment])

    back = codec.decode(codec.encode(value))

    assert repr(back) == repr(value)


WRONG: list[tuple[Any, Any]] = [
    (int, 2.5),
    (str, 3),
    (Payment, Refund(1.0, NOON, reason="broken")),
    (list[Payment], [Refund(1.0, NOON), Payment(2.0, NOON)]),
    (Payment, Payment("much", NOON)),  # type: ignore[arg-type]
    (list[int], (1, 2)),
    (int, 2**70),
    (dict[str, int], {"a": None}),
]


@pytest.mark.parametrize(("declared", "value"), WRONG, ids=str)
def test_a_wrong_declaration_costs_no_value(declared: Any, value: Any) -> None:
    """What does not fit is kept all the same, and comes back after a crash."""
    codec = Codec("state", declared)

    back = codec.decode(codec.encode(value))

    assert (back, type(back)) == (value, type(value))


@pytest.mark.parametrize("declared", [int, Any, float, Payment, list[int]])
@given(some=st.lists(values, max_size=5))
def test_many_at_once_are_each_as_it_is_alone(declared: Any, some: list[Any]) -> None:
    """Also where the declaration is wrong for some of them."""
    codec = Codec("state", declared)
    alone = []
    for value in some:
        with suppress(BadInput):
            alone.append((value, codec.encode(value)))

    together = codec.encode_all([value for value, _ in alone])

    assert together == [encoded for _, encoded in alone]
    assert repr(codec.decode_all(together)) == repr([codec.decode(encoded) for encoded in together])


def test_a_declaration_that_fits_is_written_without_types() -> None:
    """As plain MessagePack, which is small and quick."""
    assert Codec("state", dict[str, int]).encode({"a": 1}) == b"\x81\xa1a\x01"


def test_a_declaration_may_be_added_later() -> None:
    """What was written without one is read with one."""
    payment = Payment(1.0, NOON)

    assert Codec("state", Payment).decode(Codec("state", Any).encode(payment)) == payment


def test_a_subclass_of_a_container_is_kept_as_what_it_extends() -> None:
    """An OrderedDict comes back as a dict, in its order."""
    codec = Codec("state", Any)

    back = codec.decode(codec.encode(OrderedDict(b=1, a=2)))

    assert list(back.items()) == [("b", 1), ("a", 2)]


def test_a_time_of_another_zone_comes_back_as_the_same_moment() -> None:
    """In UTC, as every time inside."""
    codec = Codec("state", Any)
    time_ = datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=2)))

    assert codec.decode(codec.encode(time_)) == time_


@pytest.mark.parametrize("value", [object(), math.sin, "\ud800", [print]])
def test_what_cannot_be_written_is_refused_by_name(value: Any) -> None:
    """A person's mistake, that names the state."""
    for kind in (Any, list[int]):
        with pytest.raises(BadInput, match="state 'seen': .* cannot be"):
            Codec("seen", kind).encode(value)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\xc1\xc7\x01\x63\x01", b"\x92\x01", b"\xa3abc"])
def test_other_bytes_are_refused_by_name(data: bytes) -> None:
    """Neither a crash nor a wrong value."""
    with pytest.raises(BadInput, match="state 'seen' holds a value that does not fit the program"):
        Codec("seen", int).decode(data)


@given(data=st.binary())
def test_any_bytes_are_a_value_or_refused(data: bytes) -> None:
    """Bytes from disk are hostile until they are read."""
    for kind in (Any, Payment):
        for written in (data, b"\xc1" + data):
            with suppress(BadInput):
                Codec("seen", kind).decode(written)


def test_a_class_is_found_under_the_name_of_another_module() -> None:
    """The same file is `__main__` when it is run, and has its own name when it is imported."""
    here = Tagged().encode(OnlyHere.ONE)
    there = here.replace(__name__.encode(), b"__main__".ljust(len(__name__), b"_"))

    assert Tagged().decode(there) is OnlyHere.ONE


def test_a_class_that_is_gone_is_named() -> None:
    """The program has changed."""
    data = Tagged().encode(Payment(1.0, NOON)).replace(b":Payment", b":Paymemt")

    with pytest.raises(BadInput, match="the program has no class Paymemt in"):
        Tagged().decode(data)


@pytest.mark.parametrize(
    ("kind", "exact"),
    [
        (int, True),
        (Payment, True),
        (dict[str, list[Payment]], True),
        (int | None, True),
        (Envelope, False),
        (list, False),
        (object, False),
        (Payment | Envelope, False),
        (tuple[int, Any], False),
        (date | str, False),
        (time, True),
        (Decimal | None, True),
        (UUID, True),
    ],
)
def test_a_type_is_exact_if_it_leaves_nothing_open(kind: Any, exact: bool) -> None:
    """Down to the fields of its Records."""
    assert is_exact(kind) is exact
