"""Windows against the reference, which follows the contract word by word."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from actorstream import App, agg, sliding
from tests.properties.programs import (
    Reading,
    delays,
    inputs,
    reading,
    run_with,
    second_of,
    shown,
    sizes,
    to_given,
    windows,
)
from tests.properties.reference import Given, Windows
from tests.streams.makers import Pieces, cut


def windowed(app: App, source: Any, window: tuple[int, int], delay: int, **options: Any) -> Any:
    """A stream of readings, cut into windows by key."""
    stream = app.stream(source, event_time="at", max_delay=f"{delay}s", name="readings")
    return stream.key_by("key").window(sliding(f"{window[0]}s", every=f"{window[1]}s"), **options)


@given(
    records=inputs,
    sizes=sizes,
    window=windows,
    delay=delays,
    lateness=st.sampled_from([0, 0, 3, 15]),
    emit=st.sampled_from(["close", "change"]),
)
@example(
    records=[Given("a", 0, 1), Given("a", 19, 2), Given("a", 4, 3), Given("a", 0, 4)],
    sizes=[9],
    window=(20, 5),
    delay=0,
    lateness=0,
    emit="close",
)
@example(records=[Given("a", -25, 1)], sizes=[1], window=(10, 10), delay=0, lateness=0, emit="close")
def test_windows_give_what_the_contract_says(
    records: list[Given], sizes: list[int], window: tuple[int, int], delay: int, lateness: int, emit: str
) -> None:
    """Each emission in its order, and each late record, wherever batches begin."""
    expected = Windows(*window, delay, lateness, emit).run([(0, one) for one in records], [0])
    app = App("job")
    source = Pieces(cut([reading(one) for one in records], sizes), kind=Reading)
    results = windowed(app, source, window, delay, allowed_lateness=f"{lateness}s", emit=emit).apply(shown)

    assert app.collect(results) == expected.results
    assert [to_given(one) for one in app.collect(results.late)] == expected.late


@given(
    records=inputs, sizes=sizes, window=windows, delay=delays, lateness=st.sampled_from([0, 7]), columnar=st.booleans()
)
def test_aggregates_give_what_their_windows_hold(
    records: list[Given], sizes: list[int], window: tuple[int, int], delay: int, lateness: int, columnar: bool
) -> None:
    """From rows and from columns: the accumulators of panes give what the records would."""
    expected = Windows(*window, delay, lateness).run([(0, one) for one in records], [0])
    app = App("job")
    source = Pieces(cut([reading(one) for one in records], sizes), kind=Reading, columnar=columnar)
    rows = app.collect(
        windowed(app, source, window, delay, allowed_lateness=f"{lateness}s").aggregate(
            n=agg.count(), total=agg.sum("value"), least=agg.min("value"), last=agg.max("at"), mean=agg.mean("value")
        )
    )

    found = [(row.key, second_of(row.start), row.n, row.total, row.least, row.mean) for row in rows]
    assert found == [
        (key, start, len(held), sum(held), min(held), sum(held) / len(held)) for key, start, held in expected.results
    ]
    assert all(row.start <= row.last < row.end for row in rows)


@given(records=inputs, window=windows, delay=delays, columns=st.booleans(), sizes=sizes, other=sizes)
def test_float_sums_do_not_depend_on_the_way_through_the_engine(
    records: list[Given], window: tuple[int, int], delay: int, columns: bool, sizes: list[int], other: list[int]
) -> None:
    """Rows or columns, in whatever pieces: the same to the last bit."""
    results = []
    for columnar, pieces in ((False, sizes), (columns, other)):
        app = App("job")
        source = Pieces(cut([reading(one) for one in records], pieces), kind=Reading, columnar=columnar)
        sums = windowed(app, source, window, delay).aggregate(it=agg.sum("weight"), mean=agg.mean("weight"))
        results.append([(row.key, row.start, row.it, row.mean) for row in app.collect(sums)])

    assert results[0] == results[1]


@given(records=inputs, window=windows, order=st.randoms(), slack=st.integers(0, 20))
def test_disorder_within_the_delay_makes_no_difference(
    records: list[Given], window: tuple[int, int], order: Any, slack: int
) -> None:
    """A permutation that moves no record further than `max_delay` gives what the ordered input gives."""
    ordered = sorted(records, key=lambda one: one.second)
    permuted = sorted(ordered, key=lambda one: one.second + order.randint(0, slack))
    results = []

    for these in (ordered, permuted):
        app = App("job")
        found = windowed(app, [reading(one) for one in these], window, slack + 1).aggregate(
            n=agg.count(), total=agg.sum("value"), weight=agg.sum("weight")
        )
        assert app.collect(found.late) == []
        results.append([(row.key, row.start, row.n, row.total, row.weight) for row in app.collect(found)])

    assert results[0] == results[1]


@given(records=inputs, window=windows, delay=delays, seed=st.integers(0, 2**16), partitions=st.integers(1, 3))
def test_how_partitions_interleave_makes_no_difference(
    records: list[Given], window: tuple[int, int], delay: int, seed: int, partitions: int
) -> None:
    """Lateness goes by a record's own partition; the rest is a matter of when, not of what."""
    by_partition = [(place % partitions, one) for place, one in enumerate(records)]
    expected = Windows(*window, delay).run(by_partition, range(partitions))
    app = App("job")
    source = app.topic("readings", Reading, partitions=partitions)
    counts, late = app.topic("counts"), app.topic("late", Reading)
    results = windowed(app, source, window, delay).aggregate(n=agg.count(), total=agg.sum("value"))
    results.to(counts)
    results.late.to(late)

    output = run_with(app, {source: [reading(one) for one in records]}, seed=seed, fetch_bytes_max=1 + seed % 300)

    found = [(row["key"], row["n"], row["total"]) for row in output["counts"]]
    assert found == [(key, len(held), sum(held)) for key, _, held in sorted_by_end(expected)]
    assert sorted(map(to_given, output["late"])) == sorted(expected.late)


def sorted_by_end(expected: Windows) -> list[Any]:
    """Results in the order of their windows."""
    return sorted(expected.results, key=lambda one: (one.start, one.key))


@given(records=inputs, sizes=sizes, window=windows, delay=delays)
def test_the_last_change_is_what_the_closed_window_gives(
    records: list[Given], sizes: list[int], window: tuple[int, int], delay: int
) -> None:
    """And closing emits nothing more."""
    last: dict[tuple[str, int], Any] = {}
    results = []
    for emit in ("close", "change"):
        app = App("job")
        source = Pieces(cut([reading(one) for one in records], sizes), kind=Reading)
        results.append(app.collect(windowed(app, source, window, delay, emit=emit).apply(shown)))
    for one in results[1]:
        last[one.key, one.start] = one

    assert {(one.key, one.start): one for one in results[0]} == last


@given(records=inputs, sizes=sizes, delay=delays, small=st.integers(1, 5), times=st.integers(1, 4))
def test_windows_of_windows_lose_nothing(
    records: list[Given], sizes: list[int], delay: int, small: int, times: int
) -> None:
    """What a window gives is in time for the next one: the counts of the larger are the sums of the smaller."""
    expected = Windows(small, small, delay).run([(0, one) for one in records], [0])
    app = App("job")
    source = Pieces(cut([reading(one) for one in records], sizes), kind=Reading)
    counts = windowed(app, source, (small, small), delay).aggregate(n=agg.count())
    larger = counts.key_by("key").window(sliding(f"{small * times}s", every=f"{small * times}s"))
    sums = larger.aggregate(total=agg.sum("n"))

    found = {(row.key, second_of(row.start)): row.total for row in app.collect(sums)}

    totals: dict[tuple[str, int], int] = {}
    for key, start, held in expected.results:
        place = key, start - start % (small * times)
        totals[place] = totals.get(place, 0) + len(held)
    assert found == totals
    assert app.collect(sums.late) == []
