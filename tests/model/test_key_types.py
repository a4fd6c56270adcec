"""What the types of two keys tell: they are as careful as the encodings are strict."""

from __future__ import annotations

from datetime import date, datetime
from enum import IntEnum
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pytest

from actorstream.model.identity import encode
from actorstream.model.key_types import are_keys, can_be_same
from actorstream.model.record import Record


class Size(IntEnum):
    SMALL = 1


class Place(Record):
    city: str


class Pair(NamedTuple):
    one: int
    other: str


APART = [
    (int, str, 1, "1"),
    (int, bool, 1, True),
    (int, Size, 1, Size.SMALL),
    (datetime, date, datetime(2024, 1, 1), date(2024, 1, 1)),
    (str, UUID, "a", UUID(int=1)),
    (int, tuple[int], 1, (1,)),
    (tuple[int, str], tuple[int, int], (1, "1"), (1, 1)),
    (tuple[int], tuple[int, int], (1,), (1, 1)),
    (Place, tuple[str], Place("a"), ("a",)),
    (int, type(None), 1, None),
    (Literal["a"], Literal[1], "a", 1),
]


@pytest.mark.parametrize(("one", "other", "left", "right"), APART)
def test_types_that_have_no_key_in_common(one: Any, other: Any, left: Any, right: Any) -> None:
    """Keys of both have different encodings."""
    assert not can_be_same(one, other)
    assert not can_be_same(other, one)
    assert encode(left) != encode(right)


TOGETHER = [
    (int, int),
    (int, Any),
    (int | None, int),
    (int | str, str | bytes),
    (Annotated[int, "of something"], int),
    (tuple[int, ...], tuple[int, int]),
    (tuple, tuple[int]),
    (Pair, tuple[int, str]),
    (object, str),
    (Literal["a"], str),
    (float, int),
]


@pytest.mark.parametrize(("one", "other"), TOGETHER)
def test_types_that_may_have_a_key_in_common(one: Any, other: Any) -> None:
    """Also where nobody knows."""
    assert can_be_same(one, other)
    assert can_be_same(other, one)


@pytest.mark.parametrize("kind", [int, str | None, tuple[int, str], Size, Literal["a"], tuple[int, ...]])
def test_types_whose_values_are_keys(kind: Any) -> None:
    """All of them."""
    assert are_keys(kind)


@pytest.mark.parametrize("kind", [float, int | float, Any, list[int], tuple[int, float], tuple, Place])
def test_types_whose_values_may_be_none(kind: Any) -> None:
    """Or of which that is not known."""
    assert not are_keys(kind)
