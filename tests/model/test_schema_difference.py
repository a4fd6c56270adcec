"""What changed between two descriptions of a type, in lines that a person understands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest

from actorstream.model.record import Record
from actorstream.model.schema import describe, difference
from tests.model.test_schema import Inner, Other, Place, Size, Tree


class Was(Record):
    """The record before."""

    auction: int
    price: float = 0.0
    at: datetime | None = None
    size: Size = Size.SMALL
    tags: list[str] = msgspec.field(default_factory=list)
    inner: Inner | None = None


def changed(**fields: Any) -> Any:
    """`Was` with other fields; None takes one out, a pair gives a default."""
    now = {field.name: (field.type, field) for field in msgspec.structs.fields(Was)}
    made = []
    for name, (kind, field) in now.items():
        if name not in fields:
            made.append((name, kind) if field.required else (name, kind, msgspec.field(**_default(field))))
        elif fields[name] is not None:
            made.append((name, *fields[name]))
    made += [(name, *given) for name, given in fields.items() if name not in now]
    return msgspec.defstruct("Now", made, bases=(Record,), frozen=True, kw_only=True)


def _default(field: Any) -> dict[str, Any]:
    if field.default is msgspec.NODEFAULT:
        return {"default_factory": field.default_factory}
    return {"default": field.default}


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({}, []),
        ({"auction": (float,)}, []),
        ({"auction": (int | None, None)}, []),
        ({"price": None}, []),
        ({"more": (str, "")}, []),
        ({"tags": (frozenset[str], frozenset())}, []),
        ({"size": (Literal["s", "m", "l"], "s")}, []),
        ({"auction": (Any,)}, []),
        ({"auction": (str,)}, ["auction was int, is str"]),
        ({"more": (str,)}, ["more is new and has no default"]),
        ({"price": (float,)}, ["price had a default, has none"]),
        ({"at": (datetime, datetime(2013, 1, 1))}, ["at was datetime or null, is datetime"]),
        ({"size": (Literal["s"], "s")}, ["size was one of 's', 'l', is one of 's'"]),
        ({"tags": (list[int], msgspec.field(default_factory=list))}, ["each item of tags was str, is int"]),
        (
            {"tags": (dict[str, str], msgspec.field(default_factory=dict))},
            ["tags was list of str, is dict of str to str"],
        ),
        ({"inner": (Tree | None, None)}, ["inner.value is new and has no default"]),
        (
            {"auction": (Annotated[int, msgspec.Meta(ge=1, lt=5)],)},
            ["auction was int, is int (ge=1, lt=5)"],
        ),
    ],
)
def test_what_changed_is_said_in_a_line_each(fields: dict[str, Any], lines: list[str]):
    """What would break; what would not is no line."""
    assert difference(describe(Was), describe(changed(**fields))) == lines


def test_looser_limits_are_no_difference():
    """Tighter ones are."""
    loose, tight = (Annotated[str, msgspec.Meta(max_length=length)] for length in (9, 3))

    assert difference(describe(tight), describe(loose)) == []
    assert difference(describe(loose), describe(tight)) == [
        "a value was str (max_length=9), is str (max_length=3)",
    ]


def test_fields_that_are_gone_matter_where_unknown_ones_are_refused():
    """`forbid_unknown_fields` reads no old value then."""
    old = msgspec.defstruct("R", [("a", int), ("b", int)], bases=(Record,), frozen=True)
    new = msgspec.defstruct("R", [("a", int)], bases=(Record,), frozen=True, forbid_unknown_fields=True)

    assert difference(describe(old), describe(new)) == ["b is gone, and fields that are not known are refused"]


def test_records_as_arrays_are_compared_by_place():
    """Their fields have no names in JSON."""
    moved = msgspec.defstruct("Place", [("y", int), ("x", str, "")], bases=(Record,), frozen=True, array_like=True)

    assert difference(describe(Place), describe(moved)) == ["x was int, is str"]
    assert difference(describe(Place), describe(Inner)) == ["a value was Place as an array, is Inner as an object"]


def test_a_record_that_holds_itself_is_compared_once():
    """And ends."""
    assert difference(describe(Tree), describe(Other)) == ["value was int, is str"]
