"""Timers: when they fire, in which order, and what becomes of what they give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actorstream import App, Key, ListState, Timer, agg, tumbling
from actorstream.errors import OperatorError
from actorstream.testing import run
from tests.streams.makers import Event, Pieces, at, cut, event, seconds
from tests.streams.test_process import keyed


def fired(
    events: Sequence[Event], sets: dict[int, Sequence[Any]], sizes: Sequence[int] = (1,), **options: Any
) -> list[Any]:
    """What an operator does: `("r", value)` for each record, `("t", second)` for each timer.

    `sets`: the value of a record to the seconds of the timers that it sets; a text: one that it cancels.
    """
    app = App("job")
    stream = app.stream(Pieces(cut(events, sizes)), event_time="at", name="events", **options)

    @stream.key_by("key").process
    def noted(one: Event, timer: Timer) -> tuple[str, int]:
        for second in sets.get(one.value, ()):
            timer.cancel(at(int(second))) if isinstance(second, str) else timer.at(at(second))
        return "r", one.value

    @noted.on_timer
    def due(time: datetime) -> tuple[str, float]:
        return "t", seconds(time)

    return app.collect(noted)


@pytest.mark.parametrize("sizes", [(1,), (2, 1), (9,)])
def test_timers_fire_before_the_record_that_reaches_them(sizes: Sequence[int]) -> None:
    """A timer is due when its time is at or before the watermark; where batches begin makes no difference."""
    events = [event(0, value=0), event(5, value=1), event(9, value=2), event(10, value=3)]

    assert fired(events, {0: [5, 10]}, sizes) == [
        ("r", 0),
        ("t", 5),
        ("r", 1),
        ("r", 2),
        ("t", 10),
        ("r", 3),
    ]


def test_timers_fire_in_order_of_time() -> None:
    """Whatever the order in which they were set."""
    assert fired([event(0), event(9, value=2)], {1: [7, 3, 5]}) == [("r", 1), ("t", 3), ("t", 5), ("t", 7), ("r", 2)]


def test_max_delay_holds_timers_back() -> None:
    """A watermark is the latest time less the delay."""
    events = [event(0, value=0), event(6, value=1), event(7, value=2)]

    assert fired(events, {0: [5]}, max_delay="2s") == [("r", 0), ("r", 1), ("t", 5), ("r", 2)]


def test_a_timer_of_the_past_fires_at_once() -> None:
    """After the function that set it: its time is at or before the watermark already."""
    assert fired([event(5, value=0), event(6, value=1)], {0: [5, 2]}) == [("r", 0), ("t", 2), ("t", 5), ("r", 1)]


def test_the_same_time_twice_fires_once() -> None:
    """Also when it is set by two records."""
    assert fired([event(0, value=0), event(1, value=1), event(9, value=2)], {0: [5, 5], 1: [5]}) == [
        ("r", 0),
        ("r", 1),
        ("t", 5),
        ("r", 2),
    ]


def test_a_cancelled_timer_does_not_fire() -> None:
    """Cancelling what is not there does nothing; what is set again afterwards fires."""
    events = [event(0, value=0), event(1, value=1), event(2, value=2), event(9, value=3)]

    assert fired(events, {0: [5, 6], 1: ["5", "6", "7"], 2: [6]}) == [("r", 0), ("r", 1), ("r", 2), ("t", 6), ("r", 3)]


def test_timers_fire_at_the_end_of_the_input() -> None:
    """In order of time, though nothing reaches them."""
    assert fired([event(0)], {1: [70, 60]}) == [("r", 1), ("t", 60), ("t", 70)]


def test_timers_of_equal_times_fire_in_the_order_they_were_set() -> None:
    """Over the timers of a key, by whatever name."""
    app = App("job")

    @keyed(app, [event(0)]).process
    def noted(one: Event, first: Timer, second: Timer) -> None:
        for timer in (second, first):
            timer.at(at(5))
        first.at(at(4))

    @noted.on_timer("first")
    def one(time: datetime) -> str:
        return f"first {seconds(time):g}"

    @noted.on_timer("second")
    def two(time: datetime) -> str:
        return f"second {seconds(time):g}"

    assert app.collect(noted) == ["first 4", "second 5", "first 5"]


def test_a_timer_knows_its_key_and_state() -> None:
    """The same parameter names mean the same state as in the operator's function."""
    app = App("job")

    @keyed(app, [event(0, "a", 1), event(1, "b", 2), event(2, "a", 3)]).process
    def gather(one: Event, recent: ListState[int], timer: Timer) -> None:
        recent.append(one.value)
        timer.at(at(10))

    @gather.on_timer
    def flush(time: datetime, key: Key[str], recent: ListState[int]) -> Iterator[tuple[str, int]]:
        for value in recent:
            yield key, value
        recent.clear()

    assert app.collect(gather) == [("a", 1), ("a", 3), ("b", 2)]


def test_a_timer_may_set_the_next() -> None:
    """One that is due already fires in the same go."""
    app = App("job")

    @keyed(app, [event(0, value=0), event(35, value=1)]).process
    def ticking(one: Event, tick: Timer) -> str:
        if one.value == 0:
            tick.at(at(10))
        return f"record {one.value}"

    @ticking.on_timer
    def again(time: datetime, tick: Timer) -> str:
        if time < at(40):
            tick.at(time + timedelta(seconds=10))
        return f"{seconds(time):g}"

    assert app.collect(ticking) == ["record 0", "10", "20", "30", "record 1", "40"]


def test_a_timer_that_never_stops_setting_itself_ends_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of the input it would fire for ever; the error says so."""
    monkeypatch.setattr("actorstream.streams.engine.process._AT_THE_END_MAX", 50)
    app = App("job")

    @keyed(app, [event(0)]).process
    def ticking(one: Event, tick: Timer) -> None:
        tick.at(at(10))

    @ticking.on_timer
    def again(time: datetime, tick: Timer) -> None:
        tick.at(time + timedelta(seconds=10))

    with pytest.raises(OperatorError, match="a timer sets itself again for ever"):
        app.collect(ticking)


def test_a_failing_timer_names_operator_timer_and_key() -> None:
    """There is no record to name."""
    app = App("job")

    @keyed(app, [event(0, "k")]).process
    def ticking(one: Event, tick: Timer) -> None:
        tick.at(at(10))

    @ticking.on_timer
    def fail(time: datetime) -> None:
        raise LookupError("nothing there")

    with pytest.raises(
        OperatorError, match=r"'ticking' failed on timer 'tick' of key 'k' at 2024-01-01 00:00:10.*nothing there"
    ):
        app.collect(ticking)


def test_on_timer_leaves_the_function_a_function() -> None:
    """It can be called, as a test would."""
    app = App("job")

    @keyed(app, [event(0)]).process
    def ticking(one: Event, tick: Timer) -> None:
        tick.at(at(10))

    @ticking.on_timer
    def shown(time: datetime) -> str:
        return time.isoformat()

    assert shown(at(0)) == "2024-01-01T00:00:00+00:00"


def test_a_naive_time_is_read_as_utc() -> None:
    """For `at` and for `cancel`."""
    timer = Timer()

    timer.at(datetime(2024, 1, 1))
    timer.at(datetime(2024, 1, 1, 0, 0, 1))
    timer.cancel(datetime(2024, 1, 1, tzinfo=UTC))

    assert timer.times == [at(1)]


# --- event time of what is given --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(1,), (2,), (9,)])
def test_what_a_timer_gives_has_the_timers_time_and_is_in_time(sizes: Sequence[int]) -> None:
    """Also when the watermark goes past the window that it falls into at one stroke."""
    app = App("job")
    events = [event(0, value=0), event(1, value=1), event(95, value=2)]

    @app.stream(Pieces(cut(events, sizes)), event_time="at", name="events").key_by("key").process
    def later(one: Event, timer: Timer) -> None:
        timer.at(one.at + timedelta(seconds=30))

    @later.on_timer
    def due(time: datetime) -> float:
        return seconds(time)

    windows = later.key_by(lambda value: "all", name="all").window(tumbling("10s")).aggregate(n=agg.count())

    assert [(seconds(row.start), row.n) for row in app.collect(windows)] == [(30, 2), (120, 1)]
    assert app.collect(windows.late) == []


@pytest.mark.parametrize("sizes", [(1,), (2,), (9,)])
def test_what_a_timer_of_the_past_gives_may_be_late(sizes: Sequence[int]) -> None:
    """For windows that time had passed when it was set, wherever batches begin."""
    app = App("job")
    events = [event(0, value=0), event(50, value=1), event(51, value=2)]

    @app.stream(Pieces(cut(events, sizes)), event_time="at", name="events").key_by("key").process
    def earlier(one: Event, timer: Timer) -> None:
        if one.value == 1:
            timer.at(at(5))
            timer.at(at(50))

    @earlier.on_timer
    def due(time: datetime) -> float:
        return seconds(time)

    windows = earlier.key_by(lambda value: "all", name="all").window(tumbling("10s")).aggregate(n=agg.count())

    assert [(seconds(row.start), row.n) for row in app.collect(windows)] == [(50, 1)]
    assert app.collect(windows.late) == [5.0]


def test_a_timer_in_processing_time_does_not_move_event_time() -> None:
    """What it gives has the clock's time; the records of another year that follow are not late for it."""
    app = App("job")
    topic, counts, late = app.topic("in", Event), app.topic("counts"), app.topic("late")
    old = datetime(1970, 1, 1, tzinfo=UTC)
    events = [Event("a", 1, old + timedelta(microseconds=number)) for number in range(20_000)]

    @app.stream(topic, event_time="at").key_by("key").process
    def waking(one: Event, alarm: Timer) -> int:
        alarm.after("250ms")
        return one.value

    @waking.on_timer
    def ring(time: datetime) -> int:
        return 0

    windows = (
        waking.key_by(lambda value: value, name="value").window(tumbling("1s"), emit="change").aggregate(n=agg.count())
    )
    windows.to(counts)
    windows.late.to(late)

    output = run(app, {topic: events})

    assert output[late] == []
    assert max(row["n"] for row in output[counts]) == 20_000
