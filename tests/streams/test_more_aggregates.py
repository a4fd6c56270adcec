"""Order, ranks, numbers of different values, quantiles, and aggregates of one's own."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream import App, Record, agg, sliding, tumbling
from actorstream.errors import BadInput, OperatorError, PlanError
from actorstream.host import Entropy
from actorstream.streams.aggregates import Aggregate
from actorstream.testing import run
from tests.streams.makers import Event, at, event, events_of

Make = Callable[[], Aggregate]


def folded(aggregate: Aggregate, values: Sequence[Any], size: int, absorb: bool = False) -> Any:
    """The accumulator of the values, put together out of pieces."""
    pieces = [aggregate.partial(values[start : start + size]) for start in range(0, len(values), size)]
    return functools.reduce(aggregate.absorb if absorb else aggregate.merge, pieces)


def last_of(values: Sequence[Any], aggregate: Aggregate, **source: Any) -> Any:
    """The last running result over all values."""
    app = App("job")
    stream = app.stream(list(values), **source).key_by(lambda value: "all", name="key")
    return app.collect(stream.aggregate(it=aggregate))[-1].it


def shuffled(values: Sequence[Any], seed: int) -> list[Any]:
    """The values in another order; of many, Hypothesis itself would draw too much."""
    order = Entropy(seed)
    return [value for _, value in sorted((order.below(2**32 - 1), value) for value in values)]


# --- first, last, collect ---------------------------------------------------------------------------------------------


entries = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 99)), min_size=1, unique=True)


@given(entries=entries, order=st.randoms(), size=st.integers(1, 5), absorb=st.booleans())
def test_order_is_by_time_then_partition_then_offset(
    entries: list[tuple[int, int, int]], order: Any, size: int, absorb: bool
) -> None:
    """Whatever the order in which the records came, and however they were folded."""
    values: list[Any] = [(*entry, "s", entry) for entry in entries]
    order.shuffle(values)

    results = [
        one.result(folded(one, values, size, absorb)) for one in (agg.first("x"), agg.last("x"), agg.collect("x"))
    ]

    assert results == [min(entries), max(entries), sorted(entries)]


def test_first_last_and_collect_go_by_event_time() -> None:
    """Not by arrival; None does not count."""
    pairs = [(5, "b"), (3, None), (4, "a"), (9, None), (4, "c")]

    found = [
        last_of(pairs, one(lambda pair: pair[1]), event_time=lambda pair: pair[0])
        for one in (agg.first, agg.last, agg.collect)
    ]

    assert found == ["a", "b", ["a", "c", "b"]]


@pytest.mark.parametrize("make", [agg.first, agg.last, agg.collect])
def test_order_of_nothing_is_none(make: Callable[[Any], Aggregate]) -> None:
    """Also where there are only Nones."""
    assert last_of([None, None], make(lambda value: value)) is None


def test_equal_times_go_by_partition() -> None:
    """However the partitions interleave."""
    app = App("job")
    topic, out = app.topic("in", Event, partitions=3, key="value"), app.topic("out", dict)
    stream = app.stream(topic, event_time="at").key_by("key").window(tumbling("10s"))
    stream.aggregate(name="w", values=agg.collect("value")).map(lambda row: {"values": row.values}).to(out)

    (row,) = run(app, {topic: [event(1, value=value) for value in range(30)]})[out]

    values = row["values"]
    assert sorted(values) == list(range(30))
    assert sum(following < value for value, following in pairwise(values)) == 2  # Each partition by its offsets.


# --- top --------------------------------------------------------------------------------------------------------------


@given(
    values=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1),
    n=st.integers(1, 5),
    order=st.randoms(),
    size=st.integers(1, 5),
)
def test_the_top_are_the_largest_and_of_equal_ones_the_earliest(
    values: list[tuple[int, int]], n: int, order: Any, size: int
) -> None:
    """Whatever the order in which they came."""
    ranked: list[Any] = [(time, 0, place, "s", by, (by, time, place)) for place, (time, by) in enumerate(values)]
    expected = sorted([one[5] for one in ranked], key=lambda one: (-one[0], one[1], one[2]))[:n]
    order.shuffle(ranked)

    assert agg.top(n, "x").result(folded(agg.top(n, "x"), ranked, size)) == expected


def test_top_gives_whole_records() -> None:
    """Those without a rank are left out."""
    app = App("job")
    events = [event(0, value=2), event(1, value=7), event(2, value=5)]

    row = app.collect(events_of(app, events).key_by("key").aggregate(best=agg.top(2, by="value")))[-1]

    assert row.best == [events[1], events[2]]
    assert last_of([3, math.nan, None, 9], agg.top(3, lambda value: value)) == [9, 3]
    assert last_of([None], agg.top(3, lambda value: value)) is None


@pytest.mark.parametrize("n", [0, -1, True, "3", 2.0, 10**9])
def test_top_refuses_what_is_no_number_of_records(n: Any) -> None:
    """With the line that said it."""
    with pytest.raises(PlanError, match=r"agg\.top\(.* at .*test_more_aggregates\.py:\d+: give a number of records"):
        agg.top(n, "x")


# --- distinct, approx_distinct ----------------------------------------------------------------------------------------


scalars = st.integers(-3, 3) | st.sampled_from([0.0, -0.0, 1.0, 1.5, math.inf]) | st.booleans() | st.text(max_size=1)


@pytest.mark.parametrize("make", [agg.distinct, agg.approx_distinct])
@given(values=st.lists(scalars, min_size=1), size=st.integers(1, 5), absorb=st.booleans())
def test_equal_values_are_one(make: Callable[[Any], Aggregate], values: list[Any], size: int, absorb: bool) -> None:
    """As in a set of Python."""
    aggregate = make("x")

    assert aggregate.result(folded(aggregate, values, size, absorb)) == len(set(values))


@pytest.mark.parametrize("make", [agg.distinct, agg.approx_distinct])
def test_there_are_no_different_values_among_none(make: Callable[[Any], Aggregate]) -> None:
    """So their number is 0; all that is not a number counts once."""
    assert last_of([None, None], make(lambda value: value)) == 0
    assert last_of([math.nan, -math.nan, None], make(lambda value: value)) == 1


@pytest.mark.parametrize("count", [1_025, 5_000, 60_000, 300_000])
def test_many_different_values_are_counted_about(count: int) -> None:
    """Within three standard errors of 0.8 %."""
    aggregate = agg.approx_distinct("x")

    assert aggregate.result(folded(aggregate, range(count), 50_000)) == pytest.approx(count, rel=0.025)


@settings(max_examples=10)
@given(seed=st.integers(0, 99), size=st.integers(1, 900), absorb=st.booleans())
def test_an_approximate_number_does_not_depend_on_order_or_pieces(seed: int, size: int, absorb: bool) -> None:
    """Not by one, also where hashes become registers."""
    values = [f"v{number % 1_500}" for number in range(2_000)]
    aggregate = agg.approx_distinct("x")
    expected = aggregate.partial(values)
    values = shuffled(values, seed)

    assert folded(aggregate, values, size, absorb) == expected


def test_damaged_registers_are_refused() -> None:
    """Not answered from."""
    aggregate = agg.approx_distinct("x")

    for state in (b"", b"\1" * 100, b"\xff" * 16_384):
        with pytest.raises(BadInput, match="damaged"):
            aggregate.result(state)


def test_what_cannot_be_told_apart_stops_the_job_with_its_operator() -> None:
    """With the value's type."""
    with pytest.raises(OperatorError, match="distinct"):
        last_of([object()], agg.distinct(lambda value: value))


# --- quantile ---------------------------------------------------------------------------------------------------------


def exact(values: Sequence[float], q: float) -> float:
    """The least value such that a share `q` is not above it; `q` in hundredths."""
    return sorted(values)[max(1, -(-round(q * 100) * len(values) // 100)) - 1]


shares = st.integers(0, 100).map(lambda percent: percent / 100)


@given(
    values=st.lists(st.integers() | st.floats(allow_nan=False), min_size=1),
    q=shares,
    size=st.integers(1, 5),
    absorb=st.booleans(),
)
def test_quantiles_of_few_values_are_exact(values: list[float], q: float, size: int, absorb: bool) -> None:
    """And among the values."""
    aggregate = agg.quantile("x", q)

    assert aggregate.result(folded(aggregate, values, size, absorb)) == exact(values, q)


@settings(max_examples=15, deadline=None)
@given(q=shares, seed=st.integers(0, 99), size=st.integers(200, 4_000), sign=st.sampled_from([1, -1]))
def test_quantiles_of_many_values_are_near_and_do_not_depend_on_order(
    q: float, seed: int, size: int, sign: int
) -> None:
    """Less than 1 / 128 from the exact one."""
    values = [sign * 1.002**number for number in range(4_000)]
    aggregate = agg.quantile("x", q)
    expected = aggregate.partial(values)
    values = shuffled(values, seed)

    found = folded(aggregate, values, size)

    assert found == expected
    assert aggregate.result(found) in values
    assert aggregate.result(found) == pytest.approx(exact(values, q), rel=1 / 128)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 99), size=st.integers(500, 5_000))
def test_values_over_any_span_keep_the_state_bounded(seed: int, size: int) -> None:
    """Buckets become larger, in the same way in any order."""
    values = [10.0**exponent * part for exponent in range(-300, 300) for part in range(1, 10)]
    values += [-value for value in values]
    aggregate = agg.quantile("x", 0.5)
    expected = aggregate.partial(values)
    values = shuffled(values, seed)

    found = folded(aggregate, values, size)

    assert found == expected
    assert len(found[1]) <= 4_096


def test_what_is_not_a_number_has_no_quantile() -> None:
    """Neither None nor NaN count; a text is a mistake."""
    assert last_of([None, math.nan], agg.quantile(lambda value: value, 0.5)) is None
    assert last_of([None, 3, math.nan, 1], agg.quantile(lambda value: value, 1)) == 3
    with pytest.raises(OperatorError, match="quantiles are of numbers, not of str"):
        last_of(["a"], agg.quantile(lambda value: value, 0.5))


@pytest.mark.parametrize("q", [-0.1, 1.5, True, "0.5", math.nan])
def test_a_share_is_from_0_to_1(q: Any) -> None:
    """The line that says otherwise is named."""
    with pytest.raises(PlanError, match=r"test_more_aggregates\.py:\d+: give a share from 0 to 1"):
        agg.quantile("x", q)


def test_a_quantile_of_texts_is_refused_where_it_is_written() -> None:
    """Before anything flows."""
    app = App("job")

    with pytest.raises(PlanError, match=r"it=quantile\(key, 0\.5\): quantiles are of numbers, and the field holds str"):
        events_of(app, [event(0)]).key_by("key").aggregate(it=agg.quantile("key", 0.5))


# --- of ---------------------------------------------------------------------------------------------------------------


def longest_gap() -> Aggregate:
    """Between neighbours, out of all of them; changes its accumulators in place."""

    def create() -> list[int]:
        return []

    def add(seen: list[int], one: Event) -> list[int]:
        seen.append(one.value)
        return seen

    def merge(seen: list[int], others: list[int]) -> list[int]:
        seen.extend(others)
        return seen

    def result(seen: list[int]) -> list[int]:
        seen.sort()
        return seen

    return agg.of(create, add, merge, result)


def test_functions_of_ones_own_may_change_their_accumulators() -> None:
    """No result, and no pane of a window, changes by that."""
    app = App("job")
    events = [event(second, value=second) for second in (3, 1, 7, 5, 12)]
    keyed = events_of(app, events).key_by("key")

    running = app.collect(keyed.aggregate(name="running", seen=longest_gap()))
    windows = app.collect(
        keyed.window(sliding("10s", every="5s"), allowed_lateness="10s").aggregate(name="w", seen=longest_gap())
    )

    assert [row.seen for row in running] == [[3], [1, 3], [1, 3, 7], [1, 3, 5, 7], [1, 3, 5, 7, 12]]
    assert windows[-1].seen == [12]
    assert [1, 3, 5, 7] in [row.seen for row in windows]


def test_what_is_no_function_is_refused() -> None:
    """With its name."""
    with pytest.raises(PlanError, match=r"agg\.of at .* was given merge=None"):
        agg.of(list, lambda seen, one: seen, None, len)  # type: ignore[arg-type]


def test_a_failing_function_of_ones_own_stops_the_job_with_its_operator() -> None:
    """Also in the result."""
    bad = agg.of(create=int, add=lambda n, value: n + 1, merge=lambda one, other: one + other, result=lambda n: 1 / 0)

    with pytest.raises(OperatorError, match="ZeroDivisionError"):
        last_of([1], bad)


# --- all of them ------------------------------------------------------------------------------------------------------


class Reading(Record):
    """What may be measured."""

    key: str
    x: float | None
    word: str
    at: datetime


EVERY: dict[str, Make] = {
    "n": agg.count,
    "first": lambda: agg.first("x"),
    "last": lambda: agg.last("word"),
    "all": lambda: agg.collect("x"),
    "words": lambda: agg.distinct("word"),
    "about": lambda: agg.approx_distinct("x"),
    "median": lambda: agg.quantile("x", 0.5),
    "top": lambda: agg.top(2, by="x"),
    "own": lambda: agg.of(int, lambda n, one: n + len(one.word), lambda one, other: one + other, lambda n: n),
}


@settings(max_examples=30, deadline=None)
@given(
    readings=st.lists(
        st.builds(
            Reading,
            key=st.sampled_from(["a", "b"]),
            x=st.none() | st.integers(-2, 2).map(float),
            word=st.sampled_from(["", "x", "yz"]),
            at=st.integers(0, 40).map(at),
        ),
        min_size=1,
        max_size=12,
    ),
)
def test_columns_and_rows_give_the_same(readings: list[Reading]) -> None:
    """Over sliding windows."""

    def results(rows: bool) -> list[Any]:
        app = App("job")
        stream = app.stream(readings, event_time="at", max_delay="1m")
        if not rows:
            stream = stream.map_batches(lambda frame: frame, into=Reading, name="columns")
        windows = stream.key_by("key").window(sliding("20s", every="10s"))
        return app.collect(windows.aggregate(name="w", **{name: make() for name, make in EVERY.items()}))

    assert list(map(repr, results(rows=True))) == list(map(repr, results(rows=False)))


def test_the_types_of_results_are_known() -> None:
    """So a Record type is made of them."""
    app = App("job")
    stream = app.stream([Reading("a", 1.0, "x", at(0))], event_time="at").key_by("key")

    row = app.collect(stream.aggregate(name="it", **{name: make() for name, make in EVERY.items()}))[-1]

    hints = type(row).__annotations__
    assert hints["all"] == list[float | None] | None
    assert hints["top"] == list[Reading] | None
    assert (hints["words"], hints["about"]) == (int, int)
    assert hints["median"] == float | None
