"""Timers and state of `process`, and whole programs, against plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actorstream import App, Key, ListState, Timer, ValueState, agg
from actorstream.testing import Faults, run, simulate
from tests.properties.programs import Reading, delays, givens, inputs, reading, second_of, sizes
from tests.properties.reference import Given, Timers
from tests.streams.makers import Pieces, cut

waits = st.integers(-30, 40)


@given(records=st.lists(st.tuples(givens, waits), max_size=20), sizes=sizes, delay=delays)
def test_timers_fire_when_the_contract_says(records: list[tuple[Given, int]], sizes: list[int], delay: int) -> None:
    """In one order with the records, wherever batches begin: those of the past at once, the last ones at the end."""
    expected = Timers(delay).run(records)
    waiting = {place: wait for place, (_, wait) in enumerate(records)}
    values = [reading(one).replace(weight=float(place)) for place, (one, _) in enumerate(records)]
    app = App("job")
    source = app.stream(Pieces(cut(values, sizes), kind=Reading), event_time="at", max_delay=f"{delay}s", name="r")

    @source.key_by("key").process
    def noted(one: Reading, timer: Timer) -> tuple[str, str, int]:
        timer.at(one.at + timedelta(seconds=waiting[int(one.weight)]))
        return "record", one.key, one.value

    @noted.on_timer
    def due(time: datetime, key: Key[str]) -> tuple[str, str, int]:
        return "timer", key, second_of(time)

    assert app.collect(noted) == expected.happened


def bursts(app: App, source: Any) -> Any:
    """The readings of a key that lie less than ten seconds apart: a session, made by hand of state and a timer."""

    @source.key_by("key").process
    def burst(one: Reading, open: ListState[int], until: ValueState[datetime], timer: Timer) -> None:
        before = until.get()
        if before is not None:
            timer.cancel(before)
        end = max(before or one.at, one.at) + timedelta(seconds=10)
        open.append(one.value)
        until.set(end)
        timer.at(end)

    @burst.on_timer
    def close(time: datetime, key: Key[str], open: ListState[int], until: ValueState[datetime]) -> Iterator[list[Any]]:
        yield [key, second_of(time), *open]
        open.clear()
        until.clear()

    return burst


@given(records=inputs, sizes=sizes, other=sizes, delay=delays)
def test_where_batches_begin_makes_no_difference(
    records: list[Given], sizes: list[int], other: list[int], delay: int
) -> None:
    """To an operator with state and timers."""
    results = []
    for pieces in (sizes, other):
        app = App("job")
        source = Pieces(cut([reading(one) for one in records], pieces), kind=Reading)
        results.append(app.collect(bursts(app, app.stream(source, event_time="at", max_delay=f"{delay}s"))))

    assert results[0] == results[1]


@given(records=st.lists(givens, max_size=30), sizes=sizes)
def test_a_chain_of_functions_does_what_python_does(records: list[Given], sizes: list[int]) -> None:
    """`map`, `filter`, `flat_map`, `tap` and running results over any pieces."""
    app, seen = App("job"), []
    source = app.stream(Pieces(cut(records, sizes), kind=Given), name="given")
    chain = (
        source.map(lambda one: one.value)
        .filter(lambda n: n % 3)
        .tap(seen.append, name="seen")
        .flat_map(lambda n: range(n % 4))
    )
    counts = chain.key_by(lambda n: n, name="n").aggregate(times=agg.count())

    numbers = [one.value for one in records if one.value % 3]
    flat = [part for n in numbers for part in range(n % 4)]

    assert app.collect(chain) == flat
    assert seen == numbers
    assert [(row.n, row.times) for row in app.collect(counts)] == [
        (part, flat[: place + 1].count(part)) for place, part in enumerate(flat)
    ]


def test_untyped_state_survives_crashes() -> None:
    """Windows, lists and results of values whose types nobody declared come back as what they were."""
    app = App("job")
    source, out = app.topic("readings", Reading), app.topic("out")
    untyped = app.stream(source, event_time="at", max_delay="5s").map(lambda one: (one, one.at.date()))
    keyed = untyped.key_by(lambda pair: pair[0].key, name="key")

    @keyed.process
    def remember(pair: Any, seen: ListState[Any], last: ValueState[Any]) -> list[Any]:
        seen.append(pair)
        last.set(pair[0])
        return [[one.value, day.year] for one, day in seen][-3:]

    reduced = keyed.reduce(lambda one, other: max(one, other, key=lambda pair: pair[0].value), name="greatest")
    remember.to(out)
    reduced.map(lambda pair: [pair[0].key, pair[0].value, pair[1].isoformat()]).to(out)
    readings = [reading(Given("abc"[n % 3], n, (n * 37) % 101)) for n in range(60)]

    happened = simulate(app, {source: readings}, seeds=range(6), faults=Faults.all())

    assert happened["epochs"] > 6


def test_the_same_inputs_give_the_same_output() -> None:
    """Run after run, value by value."""
    outputs = []
    for _ in range(2):
        app = App("job")
        source, out = app.topic("readings", Reading), app.topic("out", partitions=2)
        bursts(app, app.stream(source, event_time="at")).to(out)
        outputs.append(run(app, {source: [reading(Given("abc"[n % 3], n * 7, n)) for n in range(50)]})[out])

    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 3
