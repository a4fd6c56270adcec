"""Joins of two inputs: which pairs come, when a side comes alone, and that batches and interleavings do not matter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream import App, Record, agg, session, sliding, tumbling
from actorstream.errors import OperatorError, PlanError
from actorstream.testing import run
from tests.streams.makers import START, Event, event


class Order(Record):
    key: str
    second: int
    number: int


def at(one: Order) -> Any:
    return START + timedelta(seconds=one.second)


def orders(*seconds: int, key: str = "a") -> list[Order]:
    """Orders of one key at these seconds, numbered."""
    return [Order(key, second, number) for number, second in enumerate(seconds)]


def two(left: list[Order], right: list[Order], **options: Any) -> tuple[App, Any, Any]:
    """Two keyed streams."""
    app = App("joins")
    lefts = app.stream(left, name="left", event_time=at, **options).key_by("key")
    rights = app.stream(right, name="right", event_time=at, **options).key_by("key")
    return app, lefts, rights


def pairs(app: App, stream: Any) -> list[tuple[Any, Any]]:
    """The seconds of both sides, sorted."""
    found = [tuple(None if side is None else side.second for side in pair) for pair in app.collect(stream)]
    return sorted(found, key=repr)


# --- interval joins --------------------------------------------------------------------------------------------------


def test_pairs_are_at_most_so_far_apart() -> None:
    """Both ends included, whichever side is earlier."""
    app, left, right = two(orders(10, 30), orders(0, 5, 15, 20, 21))

    assert pairs(app, left.join(right, within="10s")) == sorted(
        [(10, 0), (10, 5), (10, 15), (10, 20), (30, 20), (30, 21)], key=repr
    )


def test_keys_are_kept_apart() -> None:
    """Records of different keys never meet."""
    app, left, right = two(orders(1, key="a"), orders(1, key="b"))

    assert pairs(app, left.join(right, within="10s")) == []


@pytest.mark.parametrize(
    ("how", "expected"),
    [("inner", [(1, 2)]), ("left", [(1, 2), (50, None)]), ("outer", [(1, 2), (50, None), (None, 90)])],
)
def test_a_side_without_a_partner_comes_alone(how: str, expected: list[Any]) -> None:
    """Of the left for "left", of both for "outer"."""
    app, left, right = two(orders(1, 50), orders(2, 90))

    assert pairs(app, left.join(right, within="10s", how=how)) == sorted(expected, key=repr)


def test_a_join_takes_a_function() -> None:
    """As a decorator, or as an argument; its result has the later time of both sides."""
    app, left, right = two(orders(1), orders(4))

    @left.join(right, within="10s")
    def later(one: Order, other: Order) -> Order:
        return other if other.second > one.second else one

    windows = later.key_by("key").window(tumbling("3s")).aggregate(n=agg.count())
    assert [(row.start - START).seconds for row in app.collect(windows)] == [3]
    assert later(orders(1)[0], orders(7)[0]).second == 7


def test_what_comes_alone_is_in_time_for_a_window() -> None:
    """Time goes on behind the join as late as what comes out."""
    app, left, right = two(orders(1, 2, 30, 60), orders(29, 70))
    alone = left.join(right, lambda one, other: (one.second, other is None), within="5s", how="left", name="alone")
    counted = alone.key_by(lambda pair: "all", name="all").window(tumbling("10s")).aggregate(n=agg.count())

    assert [((row.start - START).seconds, row.n) for row in app.collect(counted)] == [(0, 2), (30, 1), (60, 1)]
    assert app.collect(counted.late) == []


SECONDS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 60)), max_size=30)


def brute(left: list[Order], right: list[Order], within: int, how: str) -> list[Any]:
    """Every pair, and what is alone."""
    found: list[Any] = []
    for one in left:
        found += [(one, other) for other in right if one.key == other.key and abs(one.second - other.second) <= within]
    if how != "inner":
        found += [(one, None) for one in left if not any(pair[0] is one for pair in found)]
    if how == "outer":
        found += [(None, other) for other in right if not any(pair[1] is other for pair in found)]
    return sorted(map(repr, found))


@settings(max_examples=60, deadline=None)
@given(SECONDS, SECONDS, st.integers(1, 20), st.sampled_from(["inner", "left", "outer"]), st.integers(1, 3))
def test_an_interval_join_is_what_a_loop_over_all_pairs_gives(
    left: list[tuple[str, int]], right: list[tuple[str, int]], within: int, how: str, parallelism: int
) -> None:
    """Out of order within `max_delay`, over topics of several partitions, in one instance or several."""
    app = App("joins")
    one, other = (app.topic(name, Order, partitions=2, key="key") for name in ("one", "other"))
    out = app.topic("out")
    streams = [app.stream(topic, event_time=at, max_delay="60s").key_by("key") for topic in (one, other)]
    joined = streams[0].join(streams[1], within=f"{within}s", how=how, name="joined", parallelism=parallelism)
    joined.map(repr, name="shown").to(out)
    lefts = [Order(key, second, number) for number, (key, second) in enumerate(left)]
    rights = [Order(key, second, number) for number, (key, second) in enumerate(right)]

    found = run(app, {one: lefts, other: rights})[out]

    assert sorted(found) == brute(lefts, rights, within, how)


# --- window joins ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("inner", [(1, 3), (1, 4)]),
        ("left", [(1, 3), (1, 4), (12, None)]),
        ("outer", [(1, 3), (1, 4), (12, None), (None, 25)]),
    ],
)
def test_a_window_join_gives_every_pair_of_a_window(how: str, expected: list[Any]) -> None:
    """Of each key; a side alone as `how` says."""
    app, left, right = two(orders(1, 12), orders(3, 4, 25))
    joined = left.window(tumbling("10s")).join(right.window(tumbling("10s")), how=how, name="joined")

    assert pairs(app, joined) == sorted(expected, key=repr)


def test_windows_of_every_kind_can_be_joined() -> None:
    """Sliding ones, and sessions of both sides together."""
    app, left, right = two(orders(1, 12), orders(3, 40))
    slid = left.window(sliding("10s", every="5s")).join(right.window(sliding("10s", every="5s")), name="slid")
    sessions = left.window(session("10s")).join(right.window(session("10s")), name="sessions")

    assert pairs(app, slid) == [(1, 3), (1, 3)]
    assert pairs(app, sessions) == [(1, 3), (12, 3)]


def test_late_records_of_either_side_are_a_stream() -> None:
    """As they came."""
    app, left, right = two(orders(1, 30, 2), orders(3, 31, 4))
    joined = left.window(tumbling("10s")).join(right.window(tumbling("10s")), name="joined")

    assert sorted(one.second for one in app.collect(joined.late)) == [2, 4]


def test_windows_that_differ_are_refused() -> None:
    """In one line."""
    _, left, right = two([], [])

    with pytest.raises(PlanError, match="the same windows"):
        left.window(tumbling("10s")).join(right.window(tumbling("20s")))


# --- tables ----------------------------------------------------------------------------------------------------------


def test_an_as_of_join_takes_the_latest_value_that_is_not_later() -> None:
    """Whatever has come since."""
    app = App("joins")
    table = app.table(app.stream(orders(0, 10, 20), name="prices", event_time=at), key="key")
    left = app.stream(orders(5, 10, 19, 25), name="left", event_time=at).key_by("key")

    assert pairs(app, left.join(table, as_of=True)) == sorted([(5, 0), (10, 10), (19, 10), (25, 20)], key=repr)


def test_an_as_of_join_without_a_value() -> None:
    """None for "left", nothing for "inner"."""
    app = App("joins")
    table = app.table(app.stream(orders(10), name="prices", event_time=at), key="key")
    left = app.stream(orders(5, 12), name="left", event_time=at).key_by("key")

    assert pairs(app, left.join(table, as_of=True, name="kept")) == [(12, 10), (5, None)]
    assert pairs(app, left.join(table, as_of=True, how="inner", name="dropped")) == [(12, 10)]


def test_a_record_that_is_late_meets_no_value_of_its_future() -> None:
    """It comes when the value that it asks for may be gone: the one of 10 and the one of 20 are all that is known."""
    app, left, right = two(orders(25, 5, 22, 30), orders(0, 10, 20, 29, 40))
    table = app.table(right, key="key")

    assert pairs(app, left.join(table, as_of=True)) == sorted([(25, 20), (5, None), (22, 20), (30, 29)], key=repr)


@settings(max_examples=40, deadline=None)
@given(SECONDS, SECONDS, st.integers(1, 3))
def test_an_as_of_join_does_not_depend_on_the_order_of_arrival(
    left: list[tuple[str, int]], right: list[tuple[str, int]], parallelism: int
) -> None:
    """Within `max_delay`, over topics of several partitions."""
    app = App("joins")
    one, other = (app.topic(name, Order, partitions=2, key="key") for name in ("one", "other"))
    out = app.topic("out")
    table = app.table(app.stream(other, event_time=at, max_delay="60s"), key="key")
    stream = app.stream(one, event_time=at, max_delay="60s").key_by("key")
    stream.join(table, as_of=True, name="joined", parallelism=parallelism).map(repr, name="shown").to(out)
    lefts = [Order(key, second, number) for number, (key, second) in enumerate(left)]
    unique = {(key, second): number for number, (key, second) in enumerate(right)}
    rights = [Order(key, second, number) for (key, second), number in unique.items()]

    found = run(app, {one: lefts, other: rights})[out]

    def version(of: Order) -> Order | None:
        known = [price for price in rights if price.key == of.key and price.second <= of.second]
        return max(known, key=lambda price: price.second, default=None)

    assert sorted(found) == sorted(repr((order, version(order))) for order in lefts)


def test_two_tables_are_joined_at_every_change() -> None:
    """The last of which is the state of both."""
    app = App("joins")
    prices = app.table(app.stream(orders(1, 2), name="prices", event_time=at), key="key")
    stocks = app.table(app.stream(orders(3), name="stocks", event_time=at), key="key")

    joined = app.collect(prices.join(stocks, name="joined"))
    outer = app.collect(prices.join(stocks, how="outer", name="outer"))

    assert [(one.second, other.second) for one, other in joined][-1] == (2, 3)
    assert len(outer) == 3


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused_where_it_is_written() -> None:
    """In one line that says what to do."""
    app, left, right = two([], [])
    table = app.table(app.stream([event(0)], name="events"), key="key")

    for wrong, why in (
        (lambda: left.join(right), "within"),
        (lambda: left.join(table, within="5s"), "within is for two streams"),
        (lambda: left.join(right, within="5s", how="right"), "'right'"),
        (lambda: left.join(table, how="outer"), "'outer'"),
        (lambda: left.join([1]), "keyed stream"),
        (lambda: left.join(right, lambda one, other: 1, within="5s"), "name="),
    ):
        with pytest.raises(PlanError, match=why):
            wrong()
    with pytest.raises(ValueError, match="within"):
        left.join(right, within="soon")


def test_a_function_that_raises_names_the_pair() -> None:
    """And the operator."""
    app, left, right = two(orders(1), orders(2))

    @left.join(right, within="5s")
    def broken(one: Order, other: Order) -> int:
        raise ValueError("no")

    with pytest.raises(OperatorError, match=r"'broken' failed on .*Order"):
        app.collect(broken)


def test_an_event_has_a_time() -> None:
    """A join over time needs one."""
    app = App("joins")
    left = app.stream([Event("a", 1, START)], name="left").key_by("key")
    right = app.stream([Event("a", 1, START)], name="right").key_by("key")

    with pytest.raises(PlanError, match="event_time"):
        left.join(right, within="5s")


def test_a_table_needs_times_for_an_as_of_join() -> None:
    """Of its own."""
    app, left, _ = two([], [])

    with pytest.raises(PlanError, match="event_time"):
        left.join(app.table(app.stream([event(0)], name="events"), key="key"), as_of=True)


class Place(Record):
    row: int
    column: int


def test_windows_are_joined_by_keys_of_any_kind() -> None:
    """Also such as need their type to be made again."""
    app = App("joins")

    def place(one: Order) -> Place:
        return Place(one.number, 1)

    left = app.stream(orders(1), name="left", event_time=at).key_by(place, name="left-key").window(tumbling("5s"))
    right = app.stream(orders(2), name="right", event_time=at).key_by(place, name="right-key").window(tumbling("5s"))

    assert pairs(app, left.join(right, name="joined")) == [(1, 2)]
