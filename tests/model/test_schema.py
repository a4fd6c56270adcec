"""Types written down, made again, and compared."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.errors import BadInput, PlanError, UnsupportedFormat
from actorstream.model.record import Record
from actorstream.model.schema import build, describe, difference


class Size(Enum):
    """Texts."""

    SMALL = "s"
    LARGE = "l"


class Level(IntEnum):
    """Numbers."""

    LOW = 1
    HIGH = 2


class Inner(Record):
    """A record in a record, with each kind of default."""

    n: int
    size: Size = Size.LARGE
    at: datetime = datetime(2013, 1, 1, tzinfo=UTC)
    tags: list[str] = msgspec.field(default_factory=list)
    pair: tuple[int, str] = (1, "x")
    token: str = msgspec.field(default_factory=lambda: "made anew")


class Tree(Record):
    """A record that holds itself."""

    value: int
    left: Tree | None = None
    more: list[Tree] = msgspec.field(default_factory=list)


class Other(Record):
    """A tree of texts."""

    value: str
    left: Other | None = None
    more: list[Other] = msgspec.field(default_factory=list)


class Renamed(Record, rename="camel", forbid_unknown_fields=True):
    """Names of its own in JSON, and no others."""

    first_name: str
    last_name: str = ""


class Place(Record, array_like=True):
    """A JSON array."""

    x: int
    y: int = 0


class Cat(Record, tag="cat", tag_field="animal"):
    """One of two."""

    lives: int = 9


class Dog(Record, tag="dog", tag_field="animal"):
    """The other."""

    name: str


class Late(Record, kw_only=True):
    """A field without a default after one with."""

    a: int = 1
    b: str


class Two(NamedTuple):
    """A JSON array too."""

    a: int
    b: str = "b"


class Sparse(TypedDict, total=False):
    """Names that need not be there."""

    a: int


@dataclass
class Plain:
    """No Record, but an object as well."""

    a: int
    b: list[int]


SIMPLE = [
    *(Any, None, bool, int, float, str, bytes, datetime, date, time, timedelta, uuid.UUID, Decimal),
    *(Size, Level, Literal["x", "y"], Literal[1, 2], Inner, Tree, Renamed, Place, Late, Two, Sparse, Plain),
    Annotated[int, msgspec.Meta(ge=0, lt=10)],
    Annotated[float, msgspec.Meta(gt=0.5)],
    Annotated[str, msgspec.Meta(pattern="^a+$", max_length=3)],
    Annotated[datetime, msgspec.Meta(tz=True)],
    Annotated[list[int], msgspec.Meta(min_length=1)],
    *(Cat | Dog, int | str | None, Size | int, Inner | list[int] | bool, Literal["x"] | Level | None),
]


def nested(kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Types around types."""
    return st.one_of(
        kinds.map(lambda kind: list[kind]),  # type: ignore[valid-type]
        kinds.map(lambda kind: dict[str, kind]),  # type: ignore[valid-type]
        kinds.map(lambda kind: tuple[kind, ...]),  # type: ignore[valid-type]
        kinds.map(lambda kind: kind | None if kind is not None and kind is not Any else kind),
        st.tuples(kinds, kinds).map(lambda pair: tuple[pair]),  # type: ignore[valid-type]
        st.sampled_from([set[int], frozenset[str], dict[int, str], list, dict, tuple]),
        st.lists(st.tuples(kinds, st.booleans()), max_size=3).map(record_of),
    )


def record_of(fields: list[tuple[Any, bool]]) -> Any:
    """A Record type with these fields; those marked may be None and have a default."""
    made = [
        (f"f{number}", *((Optional[kind], None) if has_default else (kind,)))  # noqa: UP045 - made at run time
        for number, (kind, has_default) in enumerate(sorted(fields, key=lambda field: field[1]))
    ]
    return msgspec.defstruct("Made", made, bases=(Record,), frozen=True)


kinds = st.recursive(st.sampled_from(SIMPLE), nested, max_leaves=4)
texts = st.sampled_from(
    (
        *("", "x", "s", "l", "a", "aa", "cat", "dog", "2013-01-01", "2013-01-01T00:00:00Z", "2013-01-01T00:00:00"),
        *("12:00:00", "P1D", "1.5", "aGk=", str(uuid.UUID(int=1))),
    )
)
names = st.sampled_from(
    (
        *("n", "size", "at", "tags", "pair", "token", "value", "left", "more", "firstName", "lastName", "first_name"),
        *("a", "b", "f0", "f1", "f2", "animal", "lives", "name", "1", "zz"),
    )
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 11) | st.sampled_from([0.5, 1.0, 1e300]) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=6,
)


def decoded(data: bytes, kind: Any) -> Any:
    """What a type makes of JSON, as JSON again; None if it is refused."""
    try:
        return msgspec.json.encode(msgspec.json.decode(data, type=kind))
    except msgspec.ValidationError:
        return None


def without_token(data: bytes | None) -> bytes | None:
    """A default that a function makes is not in a description."""
    return None if data is None else data.replace(b',"token":"made anew"', b"")


TEXTS_OF = {
    "bytes": "aGk=",
    "date": "2013-01-01",
    "datetime": "2013-01-01T00:00:00Z",
    "decimal": "1.5",
    "str": "aa",
    "time": "12:00:00",
    "timedelta": "P1D",
    "uuid": str(uuid.UUID(int=1)),
}


def fitting(kind: Any, data: st.DataObject) -> Any:
    """JSON that has a good chance to fit the type, its texts and numbers chosen without care for limits."""
    description = describe(kind)

    def choose(form: dict[str, Any], depth: int) -> Any:
        items = form.get("items", [])
        if depth > 5 or data.draw(st.integers(0, 20)) == 20:
            return data.draw(values)
        match form["kind"]:
            case "bool":
                return data.draw(st.booleans())
            case "int":
                return data.draw(st.integers(-1, 11))
            case "float":
                return data.draw(st.sampled_from([0, 0.5, 1.0, 1e300]))
            case "null":
                return None
            case "literal" | "enum":
                return data.draw(st.sampled_from(form["values"]))
            case "union":
                return choose(data.draw(st.sampled_from(items)), depth)
            case "tuple":
                return [choose(item, depth + 1) for item in items]
            case "dict":
                return {str(choose(items[0], depth + 1)): choose(items[1], depth + 1)}
            case "record":
                return choose_record(description["records"][form["name"]], depth)
            case kind if items:
                return [choose(items[0], depth + 1) for _ in range(data.draw(st.integers(0, 2)))]
            case kind:
                return TEXTS_OF[kind] if kind in TEXTS_OF else data.draw(values)

    def choose_record(record: dict[str, Any], depth: int) -> Any:
        made = {record["tag_field"]: record["tag"]} if "tag_field" in record else {}
        for field in record["fields"]:
            if field["required"] or data.draw(st.booleans()):
                made[field.get("key", field["name"])] = choose(field["type"], depth + 1)
            elif record.get("array_like"):
                break
        return list(made.values()) if record.get("array_like") else made

    return choose(description["type"], 0)


@given(kind=kinds, data=st.data(), free=st.booleans())
def test_the_type_that_is_built_accepts_and_refuses_the_same(kind: Any, data: st.DataObject, free: bool):
    """And makes the same of what it accepts; the description survives JSON on the way."""
    description = msgspec.json.decode(msgspec.json.encode(describe(kind)))

    line = msgspec.json.encode(data.draw(values) if free else fitting(kind, data))

    assert description == describe(kind)
    assert decoded(line, build(description)) == without_token(decoded(line, kind))


@given(kinds)
def test_a_description_of_what_was_built_says_the_same(kind: Any):
    """But for the names of Enums and classes: nothing changed."""
    description = describe(kind)

    assert difference(description, describe(build(description))) == []
    assert difference(describe(build(description)), description) == []


@given(old=kinds, new=kinds, data=st.data())
def test_no_difference_means_that_old_values_are_accepted(old: Any, new: Any, data: st.DataObject):
    """The new type reads whatever fits the old one."""
    if difference(describe(old), describe(new)):
        return

    line = msgspec.json.encode(fitting(old, data))

    assert decoded(line, old) is None or decoded(line, new) is not None


def test_a_description_is_data_in_the_order_of_the_fields():
    """Written out once, because topics keep it."""

    class Bid(Record):
        auction: int
        price: float | None = None
        size: Size = Size.SMALL
        share: Annotated[int, msgspec.Meta(ge=0)] = 0

    assert describe(Bid) == {
        "format": 1,
        "type": {"kind": "record", "name": "Bid"},
        "records": {
            "Bid": {
                "fields": [
                    {"name": "auction", "type": {"kind": "int"}, "required": True},
                    {
                        "name": "price",
                        "type": {"kind": "union", "items": [{"kind": "float"}, {"kind": "null"}]},
                        "required": False,
                        "default": None,
                    },
                    {
                        "name": "size",
                        "type": {"kind": "enum", "values": ["s", "l"], "name": "Size"},
                        "required": False,
                        "default": "s",
                    },
                    {"name": "share", "type": {"kind": "int", "limits": {"ge": 0}}, "required": False, "default": 0},
                ]
            }
        },
    }


def test_a_built_record_has_its_defaults():
    """Each instance one of its own, where it can be changed."""
    made = build(describe(Inner))

    first, second = made(n=1), made(n=1)

    assert (first.size, first.at, first.tags, first.pair) == ("l", datetime(2013, 1, 1, tzinfo=UTC), [], (1, "x"))
    assert first.tags is not second.tags
    assert msgspec.json.decode(msgspec.json.encode(first), type=Inner).token == "made anew"


def test_two_classes_of_one_name_stay_apart():
    """As from two modules."""
    other = msgspec.defstruct("Inner", [("x", str)], bases=(Record,), frozen=True)
    made = build(describe(tuple[Inner, other]))  # type: ignore[valid-type]

    assert decoded(b'[{"n":1},{"x":"y"}]', made) is not None
    assert decoded(b'[{"x":"y"},{"n":1}]', made) is None


@pytest.mark.parametrize("kind", [complex, object, type("Own", (), {}), dict[str, complex], 7, "text"])
def test_a_type_that_json_cannot_hold_is_refused(kind: Any):
    """When the topic is declared."""
    with pytest.raises(PlanError, match="cannot be kept in a topic"):
        describe(kind)


def test_a_record_whose_annotations_cannot_be_resolved_is_refused():
    """A class inside a function is not seen by the annotations of another one there."""

    class Local(Record):
        n: int

    class Around(Record):
        inner: Local

    with pytest.raises(PlanError, match="name 'Local' is not defined; define it at the top of a module"):
        describe(Around)


def test_a_newer_format_is_refused_as_such():
    """So that the reader knows what to do."""
    with pytest.raises(UnsupportedFormat, match="format version 2 is newer than 1"):
        build({"format": 2, "what": "ever"})


def deep(depth: int) -> dict[str, Any]:
    """Lists in lists."""
    form: dict[str, Any] = {"kind": "int"}
    for _ in range(depth):
        form = {"kind": "list", "items": [form]}
    return form


def record(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A description of one record."""
    return {"format": 1, "type": {"kind": "record", "name": "R"}, "records": {"R": {"fields": list(fields), **more}}}


INT = {"kind": "int"}


@pytest.mark.parametrize(
    "description",
    [
        None,
        [],
        {},
        {"format": 0, "type": INT},
        {"format": "1", "type": INT},
        {"format": True, "type": INT},
        {"format": 1},
        {"format": 1, "type": {"kind": "complex"}},
        {"format": 1, "type": {"kind": "int", "more": 1}},
        {"format": 1, "type": {"kind": "int", "items": [INT]}},
        {"format": 1, "type": {"kind": "list"}},
        {"format": 1, "type": {"kind": "dict", "items": [INT]}},
        {"format": 1, "type": {"kind": "union"}},
        {"format": 1, "type": {"kind": "union", "items": [{"kind": "list", "items": [INT]}, {"kind": "tuple"}]}},
        {"format": 1, "type": {"kind": "literal"}},
        {"format": 1, "type": {"kind": "literal", "values": [1.5]}},
        {"format": 1, "type": {"kind": "record", "name": "R"}},
        {"format": 1, "type": {"kind": "int", "limits": {"pattern": "a"}}},
        {"format": 1, "type": {"kind": "str", "limits": {"pattern": "("}}},
        {"format": 1, "type": {"kind": "str", "limits": {"odd": 1}}},
        {"format": 1, "type": deep(101)},
        {"format": 1, "type": deep(100_000)},
        record({"name": "a b", "type": INT, "required": True}),
        record({"name": "__init__", "type": INT, "required": True}),
        record({"name": "a", "type": INT}),
        record({"name": "a", "type": INT, "required": True}, {"name": "a", "type": INT, "required": True}),
        record({"name": "a", "type": INT, "required": False, "default": "x"}),
        record({"name": "a", "type": {"kind": "record", "name": "R"}, "required": False, "default": {}}),
        record(tag_field="kind"),
    ],
)
def test_what_is_no_description_is_one_clear_line(description: Any):
    """Files may be damaged, or changed by hand."""
    with pytest.raises(BadInput, match="the schema of a topic cannot be read: ") as caught:
        build(description)

    assert "\n" not in str(caught.value)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_other_json_is_refused(data: Any):
    """With nothing but these errors."""
    with pytest.raises((BadInput, UnsupportedFormat)):
        build({"format": 1, "type": data})
