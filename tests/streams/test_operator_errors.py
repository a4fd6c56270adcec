"""What is said when a function of the user's raises, wherever one is called: operator, record, place, line."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actorstream import App, Record, Timer, ValueState, agg, pattern, rows, session, tumbling
from actorstream.errors import OperatorError
from actorstream.ops.show import problem, user_lines
from actorstream.testing import run

START = datetime(2024, 1, 1, tzinfo=UTC)


class Bid(Record):
    """Something with a time."""

    item: str
    at: datetime


BIDS = [Bid("a", START), Bid("a", START + timedelta(minutes=1))]


def boom(*_: Any) -> Any:
    """Fails."""
    raise ValueError("boom")


async def boom_later(bid: Bid) -> Any:
    """Fails."""
    boom()


def boom_with_state(bid: Bid, seen: ValueState[int]) -> None:
    """Fails, and has state."""
    boom()


def boom_in_the_middle(bid: Bid) -> Iterator[int]:
    """Fails behind a first value."""
    yield 1
    boom()


def boom_for_the_second(bid: Bid) -> Any:
    """Fails for the second record only."""
    return boom() if bid.at > START else bid.at


class Sink:
    """A plain sink that fails."""

    def __init__(self, *, columnar: bool) -> None:
        self.columnar = columnar

    def write(self, values: Any, /) -> None:
        """Fails."""
        boom()


def keyed(bids: Any) -> Any:
    """By item."""
    return bids.key_by("item")


def with_timer(bids: Any) -> Any:
    """A timer whose function fails."""

    @keyed(bids).process(name="op")
    def wait(bid: Bid, timer: Timer) -> None:
        timer.at(bid.at + timedelta(seconds=1))

    wait.on_timer(boom_at)
    return wait


def boom_at(at: datetime) -> None:
    """Fails at its time."""
    boom()


def own(**functions: Any) -> Any:
    """An aggregate of one's own, of which one function fails."""
    good: dict[str, Any] = {
        "create": lambda: 0,
        "add": lambda total, bid: total,
        "merge": lambda one, other: one,
        "result": lambda total: total,
    }
    return agg.of(**{**good, **functions})


def table(bids: Any) -> Any:
    """The latest bid of an item, from another source."""
    return bids._program.app.table(bids._program.app.stream(BIDS, name="others", event_time="at"), key="item")


def others(bids: Any) -> Any:
    """More bids, by item."""
    return keyed(bids._program.app.stream(BIDS, name="others", event_time="at"))


def minutes(stream: Any) -> Any:
    """Windows."""
    return stream.window(tumbling("10s"))


ANY = pattern(lambda bid: True, name="any").within("1s")

PLACES: dict[str, Any] = {
    "map": lambda bids: bids.map(boom, name="op"),
    "async map": lambda bids: bids.map(boom_later, name="op"),
    "filter": lambda bids: bids.filter(boom, name="op"),
    "tap": lambda bids: bids.tap(boom, name="op"),
    "flat_map": lambda bids: bids.flat_map(boom, name="op"),
    "generator": lambda bids: bids.flat_map(boom_in_the_middle, name="op"),
    "second of a chain": lambda bids: bids.map(lambda bid: bid).filter(boom, name="op"),
    "behind a filter": lambda bids: bids.filter(lambda bid: bid.at > START).map(boom, name="op"),
    "map_batches": lambda bids: bids.map_batches(boom, name="op"),
    "split": lambda bids: bids.split(high=boom, name="op")[0],
    "key_by": lambda bids: bids.key_by(boom, name="op").reduce(boom, name="behind"),
    "reduce": lambda bids: keyed(bids).reduce(boom, name="op"),
    "process": lambda bids: keyed(bids).process(boom_with_state, name="op"),
    "event timer": with_timer,
    "aggregate": lambda bids: keyed(bids).aggregate(n=agg.sum(boom), name="op"),
    "aggregate of one's own": lambda bids: keyed(bids).aggregate(n=own(add=boom), name="op"),
    "its merge": lambda bids: keyed(bids).aggregate(n=own(merge=boom), name="op"),
    "its result": lambda bids: keyed(bids).aggregate(n=own(result=boom), name="op"),
    "window aggregate": lambda bids: minutes(keyed(bids)).aggregate(n=agg.sum(boom), name="op"),
    "its own": lambda bids: minutes(keyed(bids)).aggregate(n=own(add=boom), name="op"),
    "its own result": lambda bids: minutes(keyed(bids)).aggregate(n=own(result=boom), name="op"),
    "window function": lambda bids: minutes(keyed(bids)).apply(boom, name="op"),
    "session function": lambda bids: keyed(bids).window(session("1h")).apply(boom, name="op"),
    "rows function": lambda bids: keyed(bids).window(rows(2)).apply(boom, name="op"),
    "windowed reduce": lambda bids: keyed(bids).window(tumbling("1h")).reduce(boom, name="op"),
    "pattern's condition": lambda bids: keyed(bids).match(pattern(boom, name="x").within("1s")).apply(list, name="op"),
    "match": lambda bids: keyed(bids).match(ANY).apply(boom, name="op"),
    "join with a table": lambda bids: keyed(bids).join(table(bids), boom, name="op"),
    "as-of join": lambda bids: keyed(bids).join(table(bids), boom, as_of=True, name="op"),
    "interval join": lambda bids: keyed(bids).join(others(bids), boom, within="1s", name="op"),
    "join of windows": lambda bids: minutes(keyed(bids)).join(minutes(others(bids)), boom, name="op"),
    "join of tables": lambda bids: bids._program.app.table(bids, key="item").join(table(bids), boom, name="op"),
    "sink": lambda bids: bids.sink(boom, name="op"),
    "plain sink": lambda bids: bids.to(Sink(columnar=False), name="op"),
    "columnar sink": lambda bids: bids.to(Sink(columnar=True), name="op"),
    "key of a topic": lambda bids: bids.to(bids._program.app.topic("keyed", key=boom), name="op"),
}

NO_RECORD = {
    "event timer": "timer 'timer' of key 'a'",
    "its own result": "of(",
    "window function": "Window(key='a'",
    "session function": "Window(key='a'",
    "rows function": "Window(key='a'",
    "windowed reduce": "Window(key='a'",
    "match": "Match(key='a'",
    "as-of join": "(Bid(item='a'",
    "interval join": "(Bid(item='a'",
    "join of windows": "(Bid(item='a'",
}
"""What is no record, or is made of several, says which it is, and has no one place in a topic."""


@pytest.mark.parametrize("place", PLACES)
def test_an_error_says_operator_record_place_and_line(place: str) -> None:
    """And its traceback begins where the user's code does."""
    app = App("job")
    bids, results = app.topic("bids", Bid), app.topic("results")
    stream = app.stream(bids, event_time="at")
    stream._program.app = app  # type: ignore[attr-defined]
    end = PLACES[place](stream)
    if hasattr(end, "to"):
        end.to(results)

    with pytest.raises(OperatorError) as raised:
        run(app, {bids: BIDS})

    error = raised.value
    assert error.operator == "op"
    if place in NO_RECORD:
        assert NO_RECORD[place] in error.record
    elif "sink" not in place or place == "sink":
        assert "Bid(item='a'" in error.record or "of(" in error.record
        assert (error.topic, error.partition) == ("bids", 0) or place == "join of tables"
        assert error.offset in (0, 1)
    check_lines(error)


def check_lines(error: OperatorError, file: str = __file__) -> None:
    """Where it was raised is said, and nothing of what lies between."""
    assert "actorstream/streams/engine" not in "".join(traceback.format_exception(error))
    cause = error.__cause__
    assert cause is not None
    shown = "".join(traceback.format_exception(cause))
    assert "actorstream/streams" not in shown
    assert 'raise ValueError("boom")' in shown
    assert user_lines(cause)[-1].startswith(f"{file}:{boom.__code__.co_firstlineno + 2} in boom")
    printed = problem(error)
    assert f"operator {error.operator!r} failed" in printed
    assert f"{file}:{boom.__code__.co_firstlineno + 2} in boom" in printed
    assert "ValueError: boom" in printed
    assert "actorstream/streams" not in printed


def test_an_event_time_function_that_fails_names_its_record() -> None:
    """The operator is the source."""
    app = App("job")
    bids, results = app.topic("bids", Bid), app.topic("results")
    app.stream(bids, event_time=boom_for_the_second).to(results)

    with pytest.raises(OperatorError) as raised:
        run(app, {bids: BIDS})

    assert (raised.value.operator, raised.value.topic, raised.value.offset) == ("bids", "bids", 1)
    check_lines(raised.value)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_generator_that_fails_says_which_value_it_was(is_async: bool) -> None:
    """A source has no record yet."""
    app = App("job")

    def numbers() -> Iterator[int]:
        yield 1
        boom()

    async def numbers_later() -> Any:
        yield 1
        boom()

    app.source(numbers_later if is_async else numbers, name="op").to(app.topic("results"))

    with pytest.raises(OperatorError) as raised:
        run(app, {})

    assert (raised.value.operator, raised.value.record) == ("op", "value 2")
    check_lines(raised.value)
