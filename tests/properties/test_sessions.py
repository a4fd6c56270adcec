"""Sessions, and windows of a number of records, against the reference, which follows the contract word by word."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from actorstream import App, Window, agg, rows, session
from tests.properties.programs import (
    Reading,
    delays,
    inputs,
    reading,
    run_with,
    second_of,
    sizes,
    to_given,
)
from tests.properties.reference import Bounded, Given, Rows, Sessions
from tests.streams.makers import Pieces, cut

gaps = st.integers(1, 30)
counts = st.integers(1, 5)
latenesses = st.sampled_from([0, 0, 3, 15])
emits = st.sampled_from(["close", "change"])


def bounded(window: Window[str, Reading]) -> Bounded:
    """A window's function: its bounds, and all that it holds; of rows, the end is the last record's time."""
    return Bounded(window.key, second_of(window.start), second_of(window.end), tuple(one.value for one in window))


def windowed(app: App, source: Any, window: Any, delay: int, **options: Any) -> Any:
    """A stream of readings, cut into windows by key."""
    stream = app.stream(source, event_time="at", max_delay=f"{delay}s", name="readings")
    return stream.key_by("key").window(window, **options)


def in_pieces(records: list[Given], sizes: list[int], *, columnar: bool = False) -> Pieces:
    """A source that gives the records so."""
    return Pieces(cut([reading(one) for one in records], sizes), kind=Reading, columnar=columnar)


@given(records=inputs, sizes=sizes, gap=gaps, delay=delays, lateness=latenesses, emit=emits)
@example([Given("a", 0, 1), Given("a", 12, 2), Given("a", 5, 3)], [1], 10, 0, 0, "close")
@example([Given("a", 0, 1), Given("a", 12, 2), Given("a", 5, 3)], [9], 10, 0, 15, "close")
def test_sessions_give_what_the_contract_says(
    records: list[Given], sizes: list[int], gap: int, delay: int, lateness: int, emit: str
) -> None:
    """Each emission in its order, and each late record, wherever batches begin."""
    expected = Sessions(gap, delay, lateness, emit).run([(0, one) for one in records])
    app = App("job")
    results = windowed(
        app, in_pieces(records, sizes), session(f"{gap}s"), delay, allowed_lateness=f"{lateness}s", emit=emit
    ).apply(bounded)

    assert app.collect(results) == expected.results
    assert [to_given(one) for one in app.collect(results.late)] == expected.late


@given(records=inputs, sizes=sizes, gap=gaps, delay=delays, lateness=latenesses, columnar=st.booleans())
def test_aggregates_of_sessions_give_what_their_records_would(
    records: list[Given], sizes: list[int], gap: int, delay: int, lateness: int, columnar: bool
) -> None:
    """Sessions that join merge their accumulators."""
    expected = Sessions(gap, delay, lateness).run([(0, one) for one in records])
    app = App("job")
    source = in_pieces(records, sizes, columnar=columnar)
    found = app.collect(
        windowed(app, source, session(f"{gap}s"), delay, allowed_lateness=f"{lateness}s").aggregate(
            n=agg.count(), total=agg.sum("value"), least=agg.min("value"), last=agg.max("at"), mean=agg.mean("value")
        )
    )

    assert [
        (row.key, second_of(row.start), second_of(row.end), row.n, row.total, row.least, row.mean) for row in found
    ] == [
        (key, start, end, len(held), sum(held), min(held), sum(held) / len(held))
        for key, start, end, held in expected.results
    ]
    assert lateness or all(row.end - row.last == timedelta(seconds=gap) for row in found)


@given(
    records=inputs,
    gap=gaps,
    delay=delays,
    lateness=latenesses,
    seed=st.integers(0, 2**16),
    partitions=st.integers(1, 3),
)
def test_how_partitions_interleave_makes_no_difference_to_sessions(
    records: list[Given], gap: int, delay: int, lateness: int, seed: int, partitions: int
) -> None:
    """What joins what goes by the records' own marks, not by who was read first."""
    by_partition = [(place % partitions, one) for place, one in enumerate(records)]
    expected = Sessions(gap, delay, lateness).run(by_partition)
    app = App("job")
    source = app.topic("readings", Reading, partitions=partitions)
    sums, late = app.topic("sums"), app.topic("late", Reading)
    results = windowed(app, source, session(f"{gap}s"), delay, allowed_lateness=f"{lateness}s").aggregate(
        n=agg.count(), total=agg.sum("value")
    )
    results.to(sums)
    results.late.to(late)

    output = run_with(app, {source: [reading(one) for one in records]}, seed=seed, fetch_bytes_max=1 + seed % 300)

    found = [(row["key"], row["n"], row["total"]) for row in output["sums"]]
    wanted = [(key, len(held), sum(held)) for key, _, _, held in expected.results]
    if lateness:  # Of records with the same mark the order, and so what their corrections say, is not defined.
        found, wanted = found[-1:], wanted[-1:]
    assert found == wanted
    assert sorted(map(to_given, output["late"])) == sorted(expected.late)


@given(records=inputs, gap=gaps, order=st.randoms(), slack=st.integers(0, 20))
def test_disorder_within_the_delay_makes_no_difference_to_sessions(
    records: list[Given], gap: int, order: Any, slack: int
) -> None:
    """A permutation that moves no record further than `max_delay` gives what the ordered input gives."""
    ordered = sorted(records, key=lambda one: one.second)
    permuted = sorted(ordered, key=lambda one: one.second + order.randint(0, slack))
    results = []

    for these in (ordered, permuted):
        app = App("job")
        found = windowed(app, [reading(one) for one in these], session(f"{gap}s"), slack + 1).aggregate(
            n=agg.count(), weight=agg.sum("weight")
        )
        assert app.collect(found.late) == []
        results.append(app.collect(found))

    assert list(map(str, results[0])) == list(map(str, results[1]))


def left_over(results: list[Bounded]) -> set[Bounded]:
    """Those that no later one of their key has taken in."""
    left: list[Bounded] = []
    for one in results:
        left = [old for old in left if old.key != one.key or old.end <= one.start or one.end <= old.start]
        left.append(one)
    return set(left)


@example(
    records=[Given("a", 1, 0), Given("a", 4, 0), Given("a", 2, 0), Given("a", 0, 0)],
    sizes=[1],
    gap=3,
    delay=0,
    lateness=3,
)
@given(records=inputs, sizes=sizes, gap=gaps, delay=delays, lateness=latenesses)
def test_the_last_change_of_a_session_is_what_it_closes_with(
    records: list[Given], sizes: list[int], gap: int, delay: int, lateness: int
) -> None:
    """And closing emits nothing more."""
    results = []
    for emit in ("close", "change"):
        app = App("job")
        cut_up = windowed(
            app, in_pieces(records, sizes), session(f"{gap}s"), delay, allowed_lateness=f"{lateness}s", emit=emit
        )
        results.append(left_over(app.collect(cut_up.apply(bounded))))

    assert results[0] == results[1]


@given(records=inputs, sizes=sizes, count=counts, delay=delays, emit=emits)
def test_windows_of_a_number_of_records_give_what_the_contract_says(
    records: list[Given], sizes: list[int], count: int, delay: int, emit: str
) -> None:
    """Each emission in its order, wherever batches begin; nothing is late."""
    expected = Rows(count, delay, emit).run([(0, one) for one in records])
    app = App("job")
    results = windowed(app, in_pieces(records, sizes), rows(count), delay, emit=emit).apply(bounded)

    assert app.collect(results) == expected.results
    assert app.collect(results.late) == []


@given(records=inputs, sizes=sizes, count=counts, delay=delays, columnar=st.booleans())
def test_aggregates_of_a_number_of_records_give_what_these_would(
    records: list[Given], sizes: list[int], count: int, delay: int, columnar: bool
) -> None:
    """From rows and from columns."""
    expected = Rows(count, delay).run([(0, one) for one in records])
    app = App("job")
    source = in_pieces(records, sizes, columnar=columnar)
    found = app.collect(
        windowed(app, source, rows(count), delay).aggregate(
            n=agg.count(), total=agg.sum("value"), first=agg.min("at"), last=agg.max("at")
        )
    )

    assert [(row.key, row.n, row.total) for row in found] == [
        (key, len(held), sum(held)) for key, _, _, held in expected.results
    ]
    assert all((row.start, row.end) == (row.first, row.last + timedelta(microseconds=1)) for row in found)


@given(records=inputs, count=counts, delay=delays, seed=st.integers(0, 2**16), partitions=st.integers(1, 3))
def test_how_partitions_interleave_makes_no_difference_to_what_is_counted_together(
    records: list[Given], count: int, delay: int, seed: int, partitions: int
) -> None:
    """Records are counted in order of event time."""
    by_partition = [(place % partitions, one) for place, one in enumerate(records)]
    expected = Rows(count, delay).run(by_partition)
    app = App("job")
    source = app.topic("readings", Reading, partitions=partitions)
    found = app.topic("found")
    windowed(app, source, rows(count), delay).apply(lambda window: list(bounded(window)), name="found").to(found)

    output = run_with(app, {source: [reading(one) for one in records]}, seed=seed, fetch_bytes_max=1 + seed % 300)

    assert output["found"] == [[key, start, end, list(values)] for key, start, end, values in expected.results]


@given(records=inputs, sizes=sizes, delay=delays, gap=gaps, count=counts, by_count=st.booleans())
def test_reduce_combines_in_order_of_event_time(
    records: list[Given], sizes: list[int], delay: int, gap: int, count: int, by_count: bool
) -> None:
    """Also where the function gives something else in another order."""
    given = [(0, one) for one in records]
    expected = Rows(count, delay).run(given).results if by_count else Sessions(gap, delay).run(given).results
    app = App("job")
    window = rows(count) if by_count else session(f"{gap}s")

    def differ(one: Reading, other: Reading) -> Reading:
        return one.replace(value=other.value - 2 * one.value)

    found = app.collect(windowed(app, in_pieces(records, sizes), window, delay).reduce(differ))

    assert [(one.key, one.value) for one in found] == [
        (one.key, reduce(lambda a, b: b - 2 * a, one.values)) for one in expected
    ]
