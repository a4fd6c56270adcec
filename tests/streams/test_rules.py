"""Each rewrite rule: a plan before and after it, and what keeps it from applying."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pytest

from actorstream import App, Record, agg, rows, session, skip, tumbling
from actorstream.streams.plan.rules import (
    drop_exchanges,
    drop_keys,
    fuse,
    narrow_sources,
    pre_aggregate,
    prune_columns,
    push_filters,
)
from tests.streams.makers import Event, Pieces, event, events_of
from tests.streams.plans import after, unchanged, written


class Sum(Record):
    """What some of the aggregates below give."""

    key: str
    value: int


# --- fuse ------------------------------------------------------------------------------------------------------------


def test_fuse() -> None:
    """A chain of row operators becomes one, up to where its stream is read twice."""
    app = App("job")
    some = app.stream([1], name="numbers").map(lambda n: n, name="a").filter(lambda n: n, name="b")
    some.flat_map(lambda n: [n], name="c").to(app.topic("one"))
    some.to(app.topic("two"))

    assert written(app) == (
        "source numbers: 1 values\n"
        "└─ map a\n"
        "   └─ filter b\n"
        "      ├─ flat_map c\n"
        "      │  └─ to topic c.to[one]: one\n"
        "      └─ to topic b.to[two]: two"
    )
    assert after(app, fuse) == (
        "source numbers: 1 values\n"
        "└─ rows b: map a → filter b\n"
        "   ├─ rows c: flat_map c\n"
        "   │  └─ to topic c.to[one]: one\n"
        "   └─ to topic b.to[two]: two"
    )


# --- drop keys -------------------------------------------------------------------------------------------------------


def test_drop_keys() -> None:
    """A key that only operators over values read is not computed; where somebody needs it, it stays."""
    app = App("job")
    keyed = events_of(app, [event(0)]).key_by("key")
    keyed.where(pl.col("value") > 0, name="some").to(app.topic("some"))
    keyed.aggregate(n=agg.count(), name="counts").union(keyed, name="all").to(app.topic("all"))

    assert written(app) == (
        "source events: 1 values, event time at\n"
        "└─ key_by events.key_by[key]: key\n"
        "   ├─ columns some: where value > 0\n"
        "   │  └─ key_by events.key_by[key]: key\n"
        "   │     └─ to topic some.to[some]: some\n"
        "   ├─ aggregate counts: n=count()\n"
        "   │  └─ union all\n"
        "   │     └─ to topic all.to[all]: all\n"
        "   └─ union all, drawn at its first input"
    )
    assert after(app, drop_keys) == (
        "source events: 1 values, event time at\n"
        "├─ columns some: where value > 0\n"
        "│  └─ key_by events.key_by[key]: key\n"
        "│     └─ to topic some.to[some]: some\n"
        "├─ key_by events.key_by[key]: key\n"
        "│  └─ aggregate counts: n=count()\n"
        "│     └─ union all\n"
        "│        └─ to topic all.to[all]: all\n"
        "└─ union all, drawn at its first input"
    )


def test_a_key_that_may_drop_records_stays() -> None:
    """Its failure policy is part of the program."""
    app = App("job")
    keyed = app.stream([1, 0], name="numbers").key_by(lambda n: 1 // n, name="inverse", on_error=skip)
    keyed.union(app.stream([1], name="more")).to(app.topic("all"))

    assert unchanged(app, drop_keys)


# --- push filters ----------------------------------------------------------------------------------------------------


def test_push_filters_in_front_of_columns_that_they_do_not_need() -> None:
    """Through as many as there are, in the order in which they were written."""
    app = App("job")
    wider = events_of(app, [event(0)]).with_columns(twice=pl.col("value") * 2, name="wider")
    narrow = wider.select("key", "value", other=pl.col("twice"), name="narrow")
    narrow.where(pl.col("value") > 1, name="big").where(pl.col("key") == "a", name="mine").to(app.topic("out"))

    assert written(app) == (
        "source events: 1 values, event time at\n"
        "└─ columns wider: with_columns twice=value * 2\n"
        "   └─ columns narrow: select key, value, other=twice\n"
        "      └─ columns big: where value > 1\n"
        '         └─ columns mine: where key == "a"\n'
        "            └─ to topic mine.to[out]: out"
    )
    assert after(app, push_filters) == (
        "source events: 1 values, event time at\n"
        "└─ columns big: where value > 1\n"
        '   └─ columns mine: where key == "a"\n'
        "      └─ columns wider: with_columns twice=value * 2\n"
        "         └─ columns narrow: select key, value, other=twice\n"
        "            └─ to topic mine.to[out]: out"
    )


def test_push_filters_in_front_of_a_union() -> None:
    """One for each stream; each goes on towards its source by itself."""
    app = App("job")
    one = events_of(app, [event(0)], name="one").with_columns(key=pl.lit("x"), into=Event, name="renamed")
    both = one.union(events_of(app, [event(0)], name="two"), name="both")
    both.where(pl.col("value") > 1, name="big").to(app.topic("out"))

    assert after(app, push_filters) == (
        "source one: 1 values, event time at\n"
        "└─ columns big: where value > 1\n"
        '   └─ columns renamed: with_columns key="x"\n'
        "      └─ union both\n"
        "         └─ to topic big.to[out]: out\n"
        "source two: 1 values, event time at\n"
        "└─ columns big~2: where value > 1\n"
        "   └─ union both, drawn at its first input"
    )


def _computed(events: Any) -> Any:
    return events.with_columns(value=pl.col("value") * 2).where(pl.col("value") > 1)


def _renamed(events: Any) -> Any:
    return events.select(value=pl.col("value") + 0).where(pl.col("value") > 1)


def _converted(events: Any) -> Any:
    class Converted(Record):
        value: float

    return events.select("value", into=Converted).where(pl.col("value") > 1)


def _behind_a_function(events: Any) -> Any:
    def same(one: Event) -> Event:
        return one

    return events.map(same).where(pl.col("value") > 1)


def _several_columns(events: Any) -> Any:
    return events.with_columns(pl.col("^v.*$") * 2).where(pl.col("value") > 1)


@pytest.mark.parametrize("made", [_computed, _renamed, _converted, _behind_a_function, _several_columns])
def test_a_filter_stays_behind_what_makes_its_fields(made: Any) -> None:
    """What is computed, of another type, from a function, or hidden behind a pattern."""
    app = App("job")
    made(events_of(app, [event(0)])).to(app.topic("out"))

    assert unchanged(app, push_filters)


def test_a_filter_stays_behind_what_others_read_too() -> None:
    """They need all of it."""
    app = App("job")
    wider = events_of(app, [event(0)]).with_columns(twice=pl.col("value") * 2)
    wider.where(pl.col("value") > 1).to(app.topic("out"))
    wider.to(app.topic("all"))

    assert unchanged(app, push_filters)


# --- drop exchanges --------------------------------------------------------------------------------------------------


def test_drop_exchanges() -> None:
    """Aggregates by a field, keyed by that field again, are where they belong already, also behind filters."""
    app = App("job")
    windows = events_of(app, [event(0)]).key_by("key").window(tumbling("1s"))
    big = windows.aggregate(name="sums", total=agg.sum("value")).filter(lambda one: one.total > 1, name="big")
    big.key_by("key").aggregate(n=agg.count(), name="counts").to(app.topic("out"))

    assert written(app) == (
        "source events: 1 values, event time at\n"
        "└─ key_by events.key_by[key]: key\n"
        "   └─ window aggregate sums: tumbling(1s): total=sum(value)\n"
        "      └─ filter big\n"
        "         └─ key_by big.key_by[key]: key\n"
        "            └─ aggregate counts: n=count()\n"
        "               └─ to topic counts.to[out]: out"
    )
    assert after(app, drop_exchanges).splitlines()[5] == (
        "            └─ aggregate counts: n=count(), in place, as its records have that key already"
    )
    assert "task counts" not in app.explain()


def _other_field(sums: Any) -> Any:
    return sums.key_by("value")


def _function(sums: Any) -> Any:
    return sums.key_by(lambda one: one.key, name="again")


def _in_between(sums: Any) -> Any:
    def same(one: Sum) -> Sum:
        return one

    return sums.map(same).key_by("key")


@pytest.mark.parametrize("keyed", [_other_field, _function, _in_between])
def test_another_key_needs_its_exchange(keyed: Any) -> None:
    """Another field, a function, or values that a function has changed."""
    app = App("job")
    sums = events_of(app, [event(0)]).key_by("key").aggregate(Sum, name="sums", value=agg.sum("value"))
    keyed(sums).aggregate(n=agg.count(), name="counts").to(app.topic("out"))

    assert unchanged(app, drop_exchanges)


# --- narrow sources ---------------------------------------------------------------------------------------------------


class Narrow(Pieces):
    """Pieces that can leave out what does not matter."""

    conditions: tuple[str, ...] = ()

    def where(self, conditions: Any) -> Narrow:
        """Remembers what it was told."""
        narrow = Narrow(self.pieces, columnar=True)
        narrow.conditions = tuple(map(str, conditions))
        return narrow


def test_narrow_sources() -> None:
    """A source is told the conditions that all its records have to meet; the filters stay."""
    app = App("job")
    some = app.stream(Narrow([[event(0)]], columnar=True), name="pieces").where(pl.col("value") > 1, name="big")
    some.where(pl.col("key") == "a", name="mine").to(app.topic("out"))

    lines = [line.split(": ", 1)[1].split("object at ")[-1] for line in after(app, narrow_sources).splitlines()]

    told = [", mostly where value > 1", ', mostly where key == "a"']
    assert lines[0].endswith("".join(told))
    assert len(lines) == len(written(app).splitlines()) == 4


@pytest.mark.parametrize("timed", [False, True])
def test_a_source_is_not_narrowed_where_all_its_records_count(timed: bool) -> None:
    """Because others read them too, or because they move event time."""
    app = App("job")
    source = app.stream(Narrow([[event(0)]], columnar=True), name="pieces", event_time="at" if timed else None)
    source.where(pl.col("value") > 1).to(app.topic("out"))
    if not timed:
        source.to(app.topic("all"))

    assert unchanged(app, narrow_sources)


# --- prune columns ---------------------------------------------------------------------------------------------------


def test_prune_columns() -> None:
    """A source that can give columns is asked for those that somebody needs, and for its event time."""
    app = App("job")
    source = app.stream(Pieces([[event(0)]], columnar=True), event_time="at", name="pieces")
    source.select("value", name="values").to(app.topic("out"))

    assert written(app).splitlines()[0].endswith(", event time at")
    assert after(app, prune_columns).splitlines()[0].endswith(", event time at, only the columns value, at")


def test_columns_are_not_pruned_where_rows_are_needed() -> None:
    """A function of the value may look at any of them."""
    app = App("job")
    source = app.stream(Pieces([[event(0)]], columnar=True), event_time="at", name="pieces")
    source.select("value", name="values").to(app.topic("out"))
    source.map(lambda one: one, name="whole").to(app.topic("all"))

    assert unchanged(app, prune_columns)


def test_prune_columns_through_a_union() -> None:
    """Several sources that can give columns are asked for them, if what reads them together works on columns."""
    app = App("job")
    streams = [
        app.stream(Pieces([[event(0)]], columnar=True), event_time="at", name=name) for name in ("left", "right")
    ]
    sums = streams[0].union(streams[1], name="both").key_by("key").window(tumbling("1s"))
    sums.aggregate(name="sums", n=agg.count()).to(app.topic("out"))

    lines = after(app, prune_columns).splitlines()

    assert sum(line.endswith("only the columns key, at") for line in lines) == 2


# --- pre-aggregate ---------------------------------------------------------------------------------------------------


def test_pre_aggregate() -> None:
    """Batches are folded before they are divided among the instances of a window's task."""
    app = App("job")
    keyed = events_of(app, [event(0)]).key_by("key")
    sums = keyed.window(tumbling("10s")).aggregate(name="sums", parallelism=4, sum=agg.sum("value"))
    sums.to(app.topic("out"))

    assert written(app) == (
        "source events: 1 values, event time at\n"
        "└─ key_by events.key_by[key]: key\n"
        "   └─ window aggregate sums: tumbling(10s): sum=sum(value)\n"
        "      └─ to topic sums.to[out]: out"
    )
    assert after(app, pre_aggregate) == (
        "source events: 1 values, event time at\n"
        "└─ key_by events.key_by[key]: key\n"
        "   └─ partial aggregate sums.partial: of each batch, for sums\n"
        "      └─ window aggregate sums: tumbling(10s): sum=sum(value)\n"
        "         └─ to topic sums.to[out]: out"
    )
    assert re.search(r"sources?.*events.*\n(.*\n)*.*sums\.partial.*\n(.*\n)*.*task sums, 4 instances", app.explain())


@pytest.mark.parametrize(
    ("window", "options", "instances", "reads_late"),
    [
        (tumbling("10s"), {}, 1, False),
        (tumbling("10s"), {"emit": "change"}, 4, False),
        (tumbling("10s"), {"allowed_lateness": "5s"}, 4, False),
        (tumbling("10s"), {}, 4, True),
        (session("10s"), {}, 4, False),
        (rows(3), {}, 4, False),
    ],
    ids=["one instance", "each change", "corrections", "late records", "sessions", "counted"],
)
def test_what_is_not_pre_aggregated(window: Any, options: dict[str, Any], instances: int, reads_late: bool) -> None:
    """Where it saves nothing, or where the records themselves are needed."""
    app = App("job")
    windows = events_of(app, [event(0)]).key_by("key").window(window, **options)
    counts = windows.aggregate(name="counts", parallelism=instances, n=agg.count())
    counts.to(app.topic("out"))
    if reads_late:
        counts.late.to(app.topic("late"))

    assert unchanged(app, pre_aggregate)
