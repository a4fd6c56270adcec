"""What gives a record its key: `key_by`, over rows and over columns, and what follows it."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import pytest

from actorstream import App, Record, agg, fail, skip, tumbling
from actorstream.errors import BadInput, OperatorError
from actorstream.model.identity import BadKey
from actorstream.testing import run
from tests.streams.makers import Event, Pieces, at, event, events_of


class Colour(Enum):
    """A key that a column holds as a text."""

    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    """A key that a column holds as a number."""

    SMALL = 1
    LARGE = 2


class Place(Record):
    """A key of several parts."""

    city: str
    number: int


class Priced(Record):
    """Something whose price is no key."""

    name: str
    price: float


class Sold(Record):
    """Something with keys of every type, and a time."""

    colour: Colour
    size: Size
    id: UUID
    place: Place
    day: date
    at: datetime
    shop: str | None = None
    amount: float = 1.0


def sold(second: float, colour: Colour = Colour.RED, size: Size = Size.SMALL) -> Sold:
    """A sale at a second."""
    return Sold(colour, size, UUID(int=7), Place("Paris", 1), date(2024, 1, 1), at(second), "north")


def test_the_last_key_counts() -> None:
    """A key given to a keyed stream replaces the one before."""
    app = App("job")
    events = events_of(app, [event(0, "a", 1), event(1, "b", 1), event(2, "a", 2)])

    counts = app.collect(events.key_by("key").key_by("value").aggregate(n=agg.count()))

    assert [(row.value, row.n) for row in counts] == [(1, 1), (1, 2), (2, 1)]


def test_late_records_take_the_key_they_are_given() -> None:
    """The key of the window that they came too late for is forgotten."""
    app = App("job")
    events = events_of(app, [event(20, "a", 1), event(1, "a", 5), event(2, "b", 5)])
    late = events.key_by("key").window(tumbling("10s")).aggregate(n=agg.count()).late

    counts = app.collect(late.key_by("value").aggregate(n=agg.count()))

    assert [(row.value, row.n) for row in counts] == [(5, 1), (5, 2)]


def test_a_key_of_a_function_gives_way_to_a_key_of_fields_in_columns() -> None:
    """Also where the batch holds columns, in which the fields stay."""
    app = App("job")
    source = Pieces([[event(0, "a", 1), event(1, "b", 1)]], columnar=True)
    wide = app.stream(source, event_time="at").with_columns(into=Event, value="value")

    rekeyed = wide.key_by(lambda one: one.key, name="k").key_by("value").aggregate(n=agg.count())

    assert [(row.value, row.n) for row in app.collect(rekeyed)] == [(1, 1), (1, 2)]


def test_one_field_gives_the_bare_value_and_several_a_tuple() -> None:
    """What `Key` and a window's key are."""
    app = App("job")
    events = events_of(app, [event(0, "a", 3)])

    @events.key_by("key").window(tumbling("10s"))
    def one(window: Any) -> Any:
        return [window.key]

    @events.key_by("key", "value").window(tumbling("10s"))
    def two(window: Any) -> Any:
        return [window.key]

    assert (app.collect(one), app.collect(two)) == ([["a"]], [[("a", 3)]])


def test_a_field_of_a_dict_can_be_a_key() -> None:
    """Untyped values have their keys as dicts do."""
    app = App("job")

    counts = app.collect(app.stream([{"n": 1}, {"n": 1}]).key_by("n").aggregate(n_=agg.count()))

    assert [(row.n, row.n_) for row in counts] == [(1, 1), (1, 2)]


def test_a_record_without_the_key_field_is_named() -> None:
    """The error says operator and record."""
    app = App("job")
    stream = app.stream([{"n": 1}, {"m": 2}], name="numbers")

    with pytest.raises(OperatorError, match=r"operator 'numbers.key_by\[n\]' failed on {'m': 2}.*KeyError") as raised:
        app.collect(stream.key_by("n").aggregate(n_=agg.count()))

    assert raised.value.offset == 1


def test_a_float_key_is_refused_with_a_hint() -> None:
    """Floats that look alike may differ."""
    app = App("job")

    with pytest.raises(BadInput, match="is a float and cannot be a key; round it"):
        app.collect(app.stream([1.5]).key_by(lambda x: x, name="x").aggregate(n=agg.count()))


KEYS: list[tuple[str, ...]] = [
    ("colour",),
    ("size",),
    ("id",),
    ("place",),
    ("day",),
    ("at",),
    ("shop",),
    ("shop", "colour"),
]


@pytest.mark.parametrize("fields", KEYS, ids=",".join)
def test_keys_are_the_same_from_rows_and_from_columns(fields: tuple[str, ...]) -> None:
    """A column holds an Enum as a text, a UUID too; the key is what the Record holds all the same."""
    values = [[sold(0), sold(1, Colour.BLUE)], [sold(2), sold(3, size=Size.LARGE)]]
    results = []

    for columnar in (False, True):
        app = App("job")
        stream = app.stream(Pieces(values, kind=Sold, columnar=columnar), event_time="at", name="sales")
        windows = stream.key_by(*fields).window(tumbling("10s"))
        results.append(app.collect(windows.aggregate(n=agg.count(), most=agg.max("size"))))

    rows, columns = ([[getattr(row, name) for name in row.__struct_fields__] for row in result] for result in results)
    assert rows == columns
    assert [type(value) for value in rows[0]] == [type(value) for value in columns[0]]


def test_a_filter_of_a_keyed_stream_keeps_the_key() -> None:
    """`filter`, `tap` and `where` keep it; `map` drops it."""
    app = App("job")
    keyed = events_of(app, [event(0, "a", 1), event(1, "a", 2)]).key_by("key")

    kept = keyed.filter(lambda one: one.value > 1).tap(lambda one: None)

    assert [(row.key, row.n) for row in app.collect(kept.aggregate(n=agg.count()))] == [("a", 1)]
    assert not hasattr(keyed.map(lambda one: one), "aggregate")


# --- keys that are none ----------------------------------------------------------------------------------------------


def counted_by_half(policy: Any) -> tuple[App, Any, Any]:
    """Counts by a key that is a float for odd values."""
    app = App("job")
    events, counts = app.topic("events", Event), app.topic("counts")

    @app.stream(events, event_time="at", on_error=policy).key_by
    def half(one: Event) -> Any:
        return one.value / 2 if one.value % 2 else one.value // 2

    half.aggregate(n=agg.count()).to(counts)
    return app, events, counts


def test_a_key_that_is_none_names_who_gave_it() -> None:
    """The key, and the operator with its line."""
    app, events, _ = counted_by_half(fail)

    with pytest.raises(BadKey, match=r"^'half' at test_keys.py:\d+: 0.5 is a float and cannot be a key; round it"):
        run(app, {events: [event(0, value=2), event(1, value=1)]})


def test_a_key_that_is_none_is_a_failure_for_a_policy() -> None:
    """The record is left out, like any other that its function fails for."""
    app, events, counts = counted_by_half(skip)

    output = run(app, {events: [event(0, value=2), event(1, value=1), event(2, value=2)]})

    assert [row["n"] for row in output[counts]] == [1, 2]


@pytest.mark.parametrize("columnar", [False, True])
def test_a_field_that_holds_no_keys_is_a_failure_for_a_policy(columnar: bool) -> None:
    """Over rows and over columns alike."""
    app = App("job")
    sold = app.stream([Priced("tea", 1.5)], on_error=skip)
    counts = (sold.select("price", name="both") if columnar else sold).key_by("price").aggregate(n=agg.count())

    assert app.collect(counts) == []
