"""Operators over columns: expressions, functions over frames, and which columns a source is asked for."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream import App, Record, agg, skip, tumbling
from actorstream.errors import OperatorError
from tests.streams.makers import Event, Pieces, at, cut, event, events_of


class Wide(Record):
    """More fields than anybody needs."""

    key: str
    value: int
    text: str
    at: datetime
    weight: float | None = None


class Doubled(Record):
    """What some of the operators below give."""

    key: str
    twice: int


class Some(Record):
    """A part of them."""

    key: str
    n: int


EVENTS = [event(0, "a", 1), event(1, "b", 2), event(2, "a", 3)]


def values_of(rows: list[Any]) -> list[dict[str, Any]]:
    """Records of types without a name of ours, as dicts."""
    return [{name: getattr(row, name) for name in row.__struct_fields__} for row in rows]


def test_select_gives_the_named_fields_and_expressions() -> None:
    """Names, expressions and `name=expression` become the fields of a new Record type."""
    app = App("job")

    rows = app.collect(events_of(app, EVENTS).select("key", pl.col("value") + 1, twice=pl.col("value") * 2))

    assert values_of(rows)[0] == {"key": "a", "value": 2, "twice": 2}
    assert isinstance(rows[0], Record)


def test_select_fills_a_type_of_the_users() -> None:
    """`into=` says which."""
    app = App("job")

    rows = app.collect(events_of(app, EVENTS).select("key", twice=pl.col("value") * 2, into=Doubled))

    assert rows == [Doubled("a", 2), Doubled("b", 4), Doubled("a", 6)]


def test_select_takes_a_constant() -> None:
    """A value that no row decides is given to every row."""
    app = App("job")

    rows = app.collect(events_of(app, EVENTS).select("value", one=1))

    assert [(row.value, row.one) for row in rows] == [(1, 1), (2, 1), (3, 1)]


@pytest.mark.parametrize("columnar", [False, True])
def test_constants_alone_keep_the_number_of_records(columnar: bool) -> None:
    """Also from a source that could leave out every column."""
    app = App("job")

    rows = app.collect(app.stream(Pieces([EVENTS], columnar=columnar)).select(one=pl.lit(1)))

    assert [row.one for row in rows] == [1, 1, 1]


def test_with_columns_keeps_the_others() -> None:
    """A name that is there already is replaced."""
    app = App("job")

    rows = app.collect(events_of(app, EVENTS).with_columns(value=pl.col("value") * 10, next=pl.col("value") + 1))

    assert values_of(rows)[1] == {"key": "b", "value": 20, "at": at(1), "next": 3}


def test_where_keeps_the_records_as_they_are() -> None:
    """Their type, and their key, stay."""
    app = App("job")
    keyed = events_of(app, EVENTS).key_by("key").where(pl.col("value") != 2)

    assert app.collect(keyed) == [EVENTS[0], EVENTS[2]]
    assert [(row.key, row.n) for row in app.collect(keyed.aggregate(n=agg.count()))] == [("a", 1), ("a", 2)]


def test_where_drops_a_record_for_which_the_answer_is_null() -> None:
    """As SQL does."""
    app = App("job")
    wide = [Wide("a", 1, "x", at(0)), Wide("a", 2, "x", at(0), 5.0)]

    assert app.collect(app.stream(wide).where(pl.col("weight") > 1)) == wide[1:]


@pytest.mark.parametrize(("keep", "count"), [(True, 3), (False, 0)])
def test_where_takes_a_constant(keep: bool, count: int) -> None:
    """All records, or none."""
    app = App("job")

    assert len(app.collect(events_of(app, EVENTS).where(pl.lit(keep)))) == count


def test_a_failing_expression_names_its_operator() -> None:
    """The job stops with an `OperatorError`."""
    app = App("job")
    parsed = app.stream([Wide("a", 1, "x", at(0))]).select(number=pl.col("text").str.to_integer(), name="parsed")

    with pytest.raises(OperatorError, match="operator 'parsed' failed"):
        app.collect(parsed)


def test_map_batches_gives_records_of_the_frames_columns() -> None:
    """Their type is made from the schema, or given."""
    app = App("job")
    events = events_of(app, EVENTS)

    @events.map_batches
    def doubled(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select("key", twice=pl.col("value") * 2)

    typed = events.map_batches(lambda frame: doubled(frame), into=Doubled, name="typed")

    assert values_of(app.collect(doubled))[2] == {"key": "a", "twice": 6}
    assert app.collect(typed)[2] == Doubled("a", 6)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"key": pl.col("key"), "twice": pl.col("value") / 2}, r"column 'twice', row 0: Expected `int`, got `float`"),
        (
            {"key": pl.col("key"), "twice": pl.lit(None, dtype=pl.Int64)},
            r"column 'twice', row 0: .* does not admit None",
        ),
        ({"key": pl.col("key")}, r"there is no column 'twice' for the field twice of Doubled"),
    ],
    ids=["of another type", "with a gap", "not there"],
)
def test_columns_that_do_not_fit_their_type_stop_the_job(columns: dict[str, pl.Expr], words: str) -> None:
    """Though nobody asked for Records: what follows relies on their type."""
    app = App("job")
    events = events_of(app, EVENTS)
    wrong = events.map_batches(lambda frame: frame.select(**columns), into=Doubled, name="wrong")

    with pytest.raises(OperatorError, match=f"operator 'wrong' failed on a frame of 3 rows: {words}"):
        app.collect(wrong.key_by("key").window(tumbling("1d")).aggregate(n=agg.count()))


def test_columns_are_brought_to_their_types_form() -> None:
    """A narrower integer, another unit of time, a naive time: what can be lost nowhere."""
    app = App("job")
    events = events_of(app, EVENTS)

    @events.map_batches(into=Event)
    def other(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(
            pl.col("value").cast(pl.Int8), pl.col("at").dt.replace_time_zone(None).dt.cast_time_unit("ms"), more=1
        )

    last = other.key_by("key").window(tumbling("1d")).aggregate(at=agg.max("at"))

    assert app.collect(other) == EVENTS
    assert [row.at for row in app.collect(last)] == [at(2), at(1)]


def test_map_batches_may_drop_and_repeat_rows() -> None:
    """Each keeps the time of the row that it was, and the order of those; whatever the order of what is returned."""
    app = App("job")
    events = events_of(app, [event(second, "a", second) for second in range(20)])
    calls: list[list[str]] = []

    @events.map_batches(into=Event)
    def some(frame: pl.DataFrame) -> pl.DataFrame:
        calls.append(frame.columns)
        even = frame.filter(pl.col("value") % 2 == 0)
        return pl.concat([even, even.filter(pl.col("value") == 4)]).reverse()

    windows = some.key_by("key").window(tumbling("10s")).aggregate(n=agg.count(), values=agg.collect("value"))

    assert [(row.start, row.n, row.values) for row in app.collect(windows)] == [
        (at(0), 6, [0, 2, 4, 4, 6, 8]),
        (at(10), 5, [10, 12, 14, 16, 18]),
    ]
    assert calls[0] == ["key", "value", "at"]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_map_batches_may_drop_all_rows_of_some_batches(count: int) -> None:
    """With a policy, too, which calls it with one row after the other."""
    app = App("job")
    events = events_of(app, [event(second, "a", second) for second in range(5)])

    def few(frame: pl.DataFrame) -> pl.DataFrame:
        assert 3 not in frame["value"]
        return frame.filter(pl.col("value") < count)

    found = app.collect(events.map_batches(few, name="few", into=Event, on_error=skip))

    assert [row.value for row in found] == [value for value in range(count) if value != 3]


@given(st.lists(st.integers(0, 3), max_size=30), st.lists(st.integers(1, 9), min_size=1, max_size=3), st.integers(0, 1))
def test_map_batches_finds_the_rows_of_columns_that_tell_nothing(
    values: list[int], sizes: list[int], least: int
) -> None:
    """What drops or repeats rows, and selects columns in which all look alike."""
    app = App("job")
    events = [event(second, "a", value) for second, value in enumerate(values)]
    stream = app.stream(Pieces(cut(events, sizes), columnar=True), event_time="at", name="events")

    def few(frame: pl.DataFrame) -> pl.DataFrame:
        assert frame.columns == ["key", "value", "at"]
        if least:
            return frame.select("key", n=pl.int_ranges(0, pl.max_horizontal("value", least))).explode("n")
        return frame.filter(pl.col("value") > 1).select("key", n=0)

    found = stream.map_batches(few, name="few", into=Some).key_by("key").window(tumbling("5s"))
    counts = {row.start: row.count for row in app.collect(found.aggregate(count=agg.count()))}

    expected: Counter[Any] = Counter()
    for second, value in enumerate(values):
        expected[at(second - second % 5)] += max(value, least) if least else value > 1
    assert counts == {start: count for start, count in expected.items() if count}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda frame: frame.group_by("key").agg(pl.len()),
        lambda frame: frame.select("key").unique(),
        lambda frame: frame.select("key").head(2),
        lambda frame: frame.filter(pl.col("value") < 3).select("value").reverse(),
        lambda frame: None,
    ],
)
def test_map_batches_must_let_tell_whose_times_the_rows_have(wrong: Any) -> None:
    """Which time would they have?"""
    app = App("job")

    with pytest.raises(OperatorError, match="return a DataFrame in which no row depends on another"):
        app.collect(events_of(app, EVENTS).map_batches(wrong, name="wrong"))


def test_the_event_time_goes_through_columns() -> None:
    """What follows still knows when each record happened."""
    app = App("job")
    selected = events_of(app, [*EVENTS, event(12, "a", 9)]).where(pl.col("value") != 2).select("key", "value")

    windows = selected.key_by("key").window(tumbling("10s")).aggregate(n=agg.sum("value"))

    assert [(row.start, row.n) for row in app.collect(windows)] == [(at(0), 4), (at(10), 9)]


ASKED: dict[str, tuple[Any, tuple[str, ...] | None]] = {
    "an aggregate": (
        lambda wide: wide.key_by("key").window(tumbling("1s")).aggregate(n=agg.sum("value")),
        ("key", "value", "at"),
    ),
    "a count": (
        lambda wide: wide.key_by("key").window(tumbling("1s")).aggregate(n=agg.count()),
        ("key", "at"),
    ),
    "a select": (lambda wide: wide.select(n=pl.col("value") + 1), ("value", "at")),
    "a where before a select": (lambda wide: wide.where(pl.col("value") > 0).select("text"), ("value", "text", "at")),
    "columns that are made on the way": (
        lambda wide: wide.with_columns(n=pl.col("value") + 1).select("n"),
        ("value", "at"),
    ),
    "a frame for a function": (lambda wide: wide.map_batches(lambda f: f, into=Wide), Wide.__struct_fields__),
    "late records": (
        lambda wide: wide.key_by("key").window(tumbling("1s")).aggregate(n=agg.count()).late,
        Wide.__struct_fields__,
    ),
    "a function over rows": (lambda wide: wide.map(lambda one: one.value), None),
    "an aggregate of a function": (
        lambda wide: wide.key_by("key").window(tumbling("1s")).aggregate(n=agg.sum(lambda one: one.value)),
        None,
    ),
    "a window's function": (
        lambda wide: wide.key_by("key").window(tumbling("1s")).apply(lambda window: len(window), name="n"),
        None,
    ),
}


@pytest.mark.parametrize(("build", "columns"), ASKED.values(), ids=ASKED)
def test_a_source_is_asked_for_what_is_read(build: Any, columns: tuple[str, ...] | None) -> None:
    """Only columns that somebody needs, the event time among them; rows, where a function needs rows."""
    app = App("job")
    source = Pieces([[Wide("a", 1, "x", at(0))]], kind=Wide, columnar=True)

    app.collect(build(app.stream(source, event_time="at", name="wide")))

    assert source.asked == columns


LEFT_OUT = {
    "late records that nobody reads": [event(20), event(1), event(21)],
    "all in time": [event(1), event(2)],
}


@pytest.mark.parametrize("events", LEFT_OUT.values(), ids=LEFT_OUT)
@pytest.mark.parametrize("aggregate", [agg.count(), agg.sum("value"), agg.min("text"), agg.max("weight")], ids=str)
@pytest.mark.parametrize("options", [{}, {"allowed_lateness": "5s"}, {"emit": "change"}], ids=str)
def test_columns_that_were_left_out_are_not_missed(
    events: list[Event], aggregate: Any, options: dict[str, str]
) -> None:
    """Whatever way through the engine a batch takes, rows and columns give the same."""
    values = [Wide(one.key, one.value, f"x{place}", one.at, 0.5) for place, one in enumerate(events)]
    results = []

    for columnar in (False, True):
        app = App("job")
        wide = app.stream(Pieces([values], kind=Wide, columnar=columnar), event_time="at", name="wide")
        windows = wide.key_by("key").window(tumbling("10s"), **options).aggregate(it=aggregate)
        results.append(values_of(app.collect(windows)))

    assert results[0] == results[1]
    assert len(results[0]) > 0


def test_a_record_of_left_out_columns_can_still_be_shown() -> None:
    """An error shows what was read of it."""
    app = App("job")
    source = Pieces([[Wide("a", 1, "x", at(0))]], kind=Wide, columnar=True)
    failing = app.stream(source).select(number=pl.col("text").str.to_integer(), name="parsed")

    with pytest.raises(OperatorError, match=r"'parsed' failed on {'text': 'x'}"):
        app.collect(failing)
