"""Joins of windows: what fills a Record type, what is refused, and that one hot key gives its pairs in pieces."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest

from actorstream import App, Record, session, sliding, tumbling
from actorstream.errors import OperatorError, PlanError
from actorstream.model.instant import END_OF_TIME
from actorstream.streams.engine.batch import Batch, Origin
from actorstream.streams.engine.build import Stages, reads_time
from actorstream.streams.engine.pairing import END, Pairing, key_column
from actorstream.streams.engine.pausable import PIECE_RECORDS
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import Settings
from actorstream.testing import run
from tests.streams.makers import Event, at, event, us
from tests.streams.test_pausable import Seen


class View(Record):
    """Something seen: of whom, maybe by nobody, when."""

    key: str
    viewer: int | None
    at: datetime


class Pair(Record):
    """Both."""

    key: str
    value: int
    viewer: int | None


class Loose(Record):
    """Both, as far as there are both."""

    key: str
    value: int | None
    viewer: int | None
    at: datetime | None
    at_right: datetime | None


def view(second: float, key: str = "a", viewer: int | None = 7) -> View:
    """A view at a second."""
    return View(key, viewer, at(second))


def joined(app: App, left: list[Event], right: list[View], into: Any, window: Any = None, **options: Any) -> Any:
    """A join of two sequences, which `options` say more of."""
    one, other = (
        app.stream(values, name=name, event_time="at").key_by("key").window(window or tumbling("10s"))
        for values, name in ((left, "left"), (right, "right"))
    )
    return one.join(other, into=into, name="joined", **options)


def is_over_columns(app: App) -> bool:
    """Whether the plan says so."""
    return "over columns" in app.explain("optimised")


# --- what comes out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [tumbling("10s"), session("10s")])
def test_a_type_is_filled_by_field_name(window: Any) -> None:
    """From both sides; what both have is the left's, with a suffix it is the right's, and the key is whose is there."""
    app = App("joins")
    pairs = joined(app, [event(1, value=3), event(40, "b")], [view(2), view(80, "c")], Loose, window, how="outer")

    assert app.collect(pairs) == [
        Loose("a", 3, 7, at(1), at(2)),
        Loose("b", 1, None, at(40), None),
        Loose("c", None, 7, None, at(80)),
    ]


def test_a_key_of_none_is_a_key() -> None:
    """And meets itself, over columns as by rows."""

    class Owned(Record):
        owner: str | None
        value: int
        at: datetime

    class Both(Record):
        owner: str | None
        value: int
        value_right: int

    for window in (tumbling("10s"), session("5s")):
        app = App("joins")
        owned = app.stream([Owned(None, 1, at(0)), Owned("x", 2, at(1))], event_time="at", name="owned")
        windows = owned.key_by("owner").window(window)

        assert app.collect(windows.join(windows, into=Both, name="both")) == [Both(None, 1, 1), Both("x", 2, 2)]


def test_a_key_of_several_fields() -> None:
    """All of them must be equal."""
    app = App("joins")
    events = [event(0, "a", 1), event(1, "a", 2), event(2, "b", 1)]
    windows = app.stream(events, event_time="at", name="events").key_by("key", "value").window(tumbling("10s"))
    pairs = windows.join(windows, into=Event, name="pairs")
    pairs.to(app.topic("out", Event))

    assert app.collect(pairs) == events
    assert is_over_columns(app)


def test_the_time_of_a_pair_is_its_window_s() -> None:
    """So that windows behind it find it."""
    app = App("joins")
    source, out = app.topic("in", Event), app.topic("out", Pair)
    windows = app.stream(source, event_time="at").key_by("key").window(sliding("10s", every="5s"))
    twice = windows.join(windows, into=Event, name="twice").key_by("key").window(tumbling("5s"))
    twice.apply(lambda window: [window.start, len(window)], name="counted").to(app.topic("counts"))

    counts = run(app, {source: [event(1)]})[app.topic("counts")]

    assert counts == [[at(0).isoformat().replace("+00:00", "Z"), 1], [at(5).isoformat().replace("+00:00", "Z"), 1]]
    assert out.name == "out"


def test_what_does_not_fit_a_column_is_told_with_its_record() -> None:
    """As by `select`; the operator and the record are named."""
    app = App("joins")
    pairs = joined(app, [event(1, value=2**70)], [view(2)], Pair)

    with pytest.raises(OperatorError, match=r"joined[\s\S]*64 bits"):
        app.collect(pairs)


# --- what is refused -------------------------------------------------------------------------------------------------


class Short(Record):
    """A field that nothing fills."""

    key: str
    price: float


class Wrong(Record):
    """A field of another type."""

    key: str
    value: str


class Tight(Record):
    """A field that is None when its side is missing."""

    key: str
    viewer: int


@pytest.mark.parametrize(
    ("into", "options", "why"),
    [
        (Short, {}, "nothing fills the field 'price'"),
        (Wrong, {}, "'value' of Wrong is str, and what fills it is int"),
        (Tight, {}, "may be None; make it int | None"),
        (Pair, {"how": "outer"}, "a side may be missing; make it int | None"),
        (int, {}, "is a Record type"),
    ],
)
def test_a_type_that_does_not_fit_is_refused(into: Any, options: dict[str, Any], why: str) -> None:
    """Where it is written, with what to do."""
    app = App("joins")

    with pytest.raises(PlanError, match=why.replace("|", r"\|")) as refused:
        joined(app, [event(0)], [view(0)], into, **options)

    assert "test_window_joins.py:" in str(refused.value)


def test_values_of_no_type_and_a_function_beside_it_are_refused() -> None:
    """`into` takes fields, and takes the place of a function."""
    app = App("joins")
    untyped = app.stream([1], event_time=lambda one: at(one), name="one").key_by(lambda one: "a", name="key")
    plain = untyped.window(tumbling("1s"))
    typed = app.stream([event(0)], event_time="at", name="two").key_by("key").window(tumbling("1s"))

    with pytest.raises(PlanError, match="no known Record type"):
        plain.join(plain, into=Pair)
    with pytest.raises(PlanError, match="a function and into="):
        typed.join(typed, lambda left, right: None, into=Event, name="both")  # type: ignore[call-overload]


# --- hot keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("into", [Event, None])
def test_a_hot_key_gives_its_pairs_in_pieces(into: Any) -> None:
    """By rows and over columns: no piece is larger than any other, and the stage pauses after each."""
    app = App("joins")
    windows = app.stream([event(0)], event_time="at", name="events").key_by("key").window(tumbling("10s"))
    (windows.join(windows, into=into, name="pairs") if into else windows.join(windows, name="pairs")).to(
        app.topic("out")
    )
    plan = job_spec(app._program, Settings()).plan
    stages, seen = Stages(plan.task("pairs"), lambda: 0, reads_time(plan.tasks)), Seen()
    stages.head.outputs[:] = [seen]
    many = 150
    batch = Batch([event(1, value=number) for number in range(many)], kind=Event, origin=Origin("events"))
    batch.times, batch.own, batch.marks = [us(1)] * many, [us(1)] * many, [us(1)] * many

    stages.head.push(batch)
    stages.right_side().push(batch)
    stages.head.advance(END_OF_TIME)
    pauses = 0
    while stages.are_paused():
        assert sum(seen.sizes) <= (pauses + 1) * PIECE_RECORDS
        stages.resume(0)
        pauses += 1

    assert sum(seen.sizes) == many * many
    assert max(seen.sizes) == PIECE_RECORDS
    assert pauses >= many * many // PIECE_RECORDS


@pytest.mark.parametrize("how", ["inner", "left", "outer"])
def test_a_join_makes_no_more_pairs_at_once_than_it_may(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a key comes on both sides; in order of windows."""
    monkeypatch.setattr("actorstream.streams.engine.pairing.PAIRS_MAX", 100)
    left = pl.DataFrame({END: [1] * 50 + [2], key_column(0): [1] * 51, "left": range(51)})
    right = pl.DataFrame({END: [1] * 40 + [2, 3], key_column(0): [1] * 41 + [9], "right": range(42)})

    pieces = list(Pairing(how, 1, {"left": "left", "right": "right"}).pairs(left, right))

    assert max(piece.height for piece in pieces) <= 100
    whole = pl.concat(pieces)
    assert whole[END].is_sorted()
    expected = [(left, right) for left in range(50) for right in range(40)] + [(50, 40)]
    assert whole.rows()[: len(expected)] == [(1, *pair) for pair in expected[:-1]] + [(2, *expected[-1])]
    assert whole.rows()[len(expected) :] == ([(3, None, 41)] if how == "outer" else [])
