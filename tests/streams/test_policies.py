"""Failure policies: what becomes of a record that a function fails on, operator by operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actorstream import App, Key, ListState, Record, Timer, ValueState, agg, dead_letter, fail, retry, skip, tumbling
from actorstream.errors import OperatorError, PlanError
from actorstream.testing import run

START = datetime(2024, 1, 1, tzinfo=UTC)


def inverse(number: int) -> float:
    """Fails for 0."""
    return 12 / number


# --- declaring -------------------------------------------------------------------------------------------------------


def test_policies_are_shown_as_they_are_written() -> None:
    """In explain, and in messages."""
    bad = App("job").topic("bad")

    assert [repr(fail), repr(skip), repr(dead_letter(bad))] == ["fail", "skip", "dead_letter('bad')"]
    assert repr(retry(times=2) | skip) == "retry(times=2) | skip"


@pytest.mark.parametrize("build", [lambda: skip | retry(), lambda: retry() | retry(), lambda: skip | fail])
def test_only_a_retry_has_something_behind_it(build: Any) -> None:
    """Whatever else is combined says nothing."""
    with pytest.raises(PlanError, match=r"only one retry\(\.\.\.\) may have something behind it"):
        build()


@pytest.mark.parametrize("wrong", [{"times": 0}, {"backoff": "10s..1s"}, {"backoff": "soon"}, {"times": True}])
def test_a_retry_is_checked(wrong: Any) -> None:
    """Where it is written."""
    with pytest.raises(ValueError, match="times|backoff"):
        retry(**wrong)


def test_waits_double_up_to_the_last() -> None:
    """From the first wait on."""
    policy = retry(times=5, backoff="100ms..1s")

    assert list(policy.waits_us()) == [100_000, 200_000, 400_000, 800_000, 1_000_000]


def test_what_is_no_policy_is_refused() -> None:
    """With the line where it was written."""
    with pytest.raises(PlanError, match=r"map at test_policies.py:\d+: on_error is 'skip'"):
        App("job").stream([1]).map(inverse, on_error="skip")  # type: ignore[call-overload]


def test_a_topic_that_no_dead_letter_fits_is_refused() -> None:
    """Before anything runs."""
    with pytest.raises(PlanError, match="declare the topic without a type"):
        dead_letter(App("job").topic("bad", int))


# --- row operators ---------------------------------------------------------------------------------------------------


def test_a_skipped_record_yields_nothing() -> None:
    """The others go on, in order."""
    app = App("job")

    assert app.collect(app.stream([1, 0, 2, 0, 3]).map(inverse, on_error=skip)) == [12, 6, 4]


def test_each_operator_of_a_chain_has_its_own_policy() -> None:
    """Also where they are one generated function."""
    app = App("job")
    chain = app.stream(["2", "x", "0", "3"]).map(int, on_error=skip).filter(lambda n: n != 3, on_error=skip)

    with pytest.raises(OperatorError, match="operator 'inverse' failed on '0'"):
        app.collect(chain.map(inverse))


def test_what_follows_a_stream_takes_its_policy() -> None:
    """Unless it says otherwise."""
    app = App("job")
    numbers = app.stream([1, 0, 2], on_error=skip)

    assert app.collect(numbers.filter(lambda n: True).map(inverse)) == [12, 6]
    with pytest.raises(OperatorError):
        app.collect(numbers.map(inverse, name="strict", on_error=fail))


def test_where_streams_of_different_policies_meet_the_job_fails() -> None:
    """Nothing is skipped that one of them would not skip."""
    app = App("job")
    both = app.stream([1], name="one", on_error=skip).union(app.stream([0], name="two"))

    with pytest.raises(OperatorError):
        app.collect(both.map(inverse))


def test_a_generator_that_fails_in_the_middle_has_given_nothing() -> None:
    """However much it gave before."""
    app = App("job")

    def spread(n: int) -> Iterator[int]:
        yield from range(n)
        if n == 10_000:
            raise ValueError(n)

    results = app.collect(app.stream([3, 10_000, 2, 9_999]).flat_map(spread, on_error=skip))

    assert results == [*range(3), *range(2), *range(9_999)]


def test_behind_a_flat_map_a_policy_is_about_one_value() -> None:
    """The values beside it go on."""
    app = App("job")
    words = app.stream(["1 x 2", "3"]).flat_map(lambda line: line.split())

    assert app.collect(words.map(int, on_error=skip)) == [1, 2, 3]


def test_nothing_but_the_failing_call_is_made_twice() -> None:
    """What lies before it in the chain has seen each record once; what lies behind sees what a retry gave."""
    app, before, calls, behind = App("job"), [], [], []

    def flaky(n: int) -> int:
        calls.append(n)
        if calls.count(n) < 3 and n % 2:
            raise OSError("not now")
        return n * 10

    chain = app.stream(range(5)).tap(before.append, name="before")
    chain = chain.map(flaky, on_error=retry(times=2, backoff="1ms")).tap(behind.append, name="behind")

    assert app.collect(chain) == behind == [0, 10, 20, 30, 40]
    assert before == [0, 1, 2, 3, 4]
    assert calls == [0, 1, 1, 1, 2, 3, 3, 3, 4]


def test_times_are_the_calls_after_the_first() -> None:
    """Then the record fails."""
    app, calls = App("job"), []

    def broken(n: int) -> int:
        calls.append(n)
        raise OSError("never")

    with pytest.raises(OperatorError, match="OSError: never"):
        app.collect(app.stream([7, 8]).map(broken, on_error=retry(times=3, backoff="1ms")))
    assert calls == [7, 7, 7, 7]


def test_a_retry_waits_by_the_clock_of_the_host() -> None:
    """Each wait is twice the one before."""
    app, calls = App("job"), []
    numbers, results = app.topic("numbers", int), app.topic("results", int)

    def broken(n: int) -> int:
        calls.append(n)
        raise OSError("never")

    app.stream(numbers).map(broken, on_error=retry(times=4, backoff="1h..2h") | skip).to(results)

    assert run(app, {numbers: [1, 2]})[results] == []
    assert calls == [1] * 5 + [2] * 5


def test_a_function_that_raises_stop_iteration_ends_nothing_in_silence() -> None:
    """It fails as by any other exception."""
    app = App("job")

    def odd(n: int) -> int:
        if n == 2:
            raise StopIteration
        return n

    assert app.collect(app.stream([1, 2, 3]).map(odd, on_error=skip)) == [1, 3]
    assert app.collect(app.stream([1, 2, 3]).key_by(odd, on_error=skip).reduce(max, name="m")) == [1, 3]


# --- dead letters ----------------------------------------------------------------------------------------------------


class Order(Record):
    """What fails."""

    id: int
    amount: int


def test_a_dead_letter_says_what_failed_and_where_it_came_from() -> None:
    """As an object in its topic."""
    app = App("job")
    orders, shares, bad = app.topic("orders", Order), app.topic("shares", float), app.topic("bad")

    @app.stream(orders).map(on_error=dead_letter(bad))
    def share(order: Order) -> float:
        return 12 / order.amount

    share.to(shares)
    output = run(app, {orders: [Order(1, 3), Order(2, 0), Order(3, 4)]})

    (letter,) = output[bad]
    trace = letter.pop("traceback")
    assert output[shares] == [4.0, 3.0]
    assert letter == {
        "record": {"id": 2, "amount": 0},
        "operator": "share",
        "error": "ZeroDivisionError: division by zero",
        "topic": "orders",
        "partition": 0,
        "offset": 1,
    }
    assert "return 12 / order.amount" in trace
    assert "actorstream/streams" not in trace


def test_a_retry_may_end_in_a_dead_letter() -> None:
    """One, after the last call."""
    app = App("job")
    numbers, shares, bad = app.topic("numbers", int), app.topic("shares", float), app.topic("bad")
    policy = retry(times=2, backoff="1ms") | dead_letter(bad)
    app.stream(numbers).map(inverse, on_error=policy).to(shares)

    output = run(app, {numbers: [0, 1]})

    assert output[shares] == [12.0]
    assert [letter["record"] for letter in output[bad]] == [0]


def test_a_dead_letter_tells_only_of_its_own_failure() -> None:
    """Not of another operator's, nor of an earlier call's, that the engine was about to deal with."""
    app, calls = App("job"), []
    numbers, ends, bad = app.topic("numbers", int), app.topic("ends", float), app.topic("bad")

    def flaky(n: int) -> int:
        calls.append(n)
        if len(calls) == 1:
            raise OSError("not now")
        return n

    chain = app.stream(numbers).map(flaky, on_error=retry(times=1, backoff="1ms"))
    chain.map(inverse, on_error=retry(times=1, backoff="1ms") | dead_letter(bad)).to(ends)

    (letter,) = run(app, {numbers: [0]})[bad]

    assert letter["traceback"].count("Traceback") == 1
    assert "OSError" not in letter["traceback"]


def test_several_operators_share_a_topic_of_dead_letters() -> None:
    """Also those of one chain, and one behind another."""
    app = App("job")
    texts, ends, bad = app.topic("texts", str), app.topic("ends", float), app.topic("bad")
    stream = app.stream(texts, on_error=dead_letter(bad))
    keyed = stream.map(int).map(inverse).key_by(lambda n: 1 if n < 12 else round(1 / (n - 12)), name="key")
    keyed.reduce(max, name="largest").to(ends)

    output = run(app, {texts: ["x", "0", "1", "3"]})

    assert output[ends] == [4.0]
    found = sorted((letter["offset"], letter["operator"].rsplit(".")[-1], letter["record"]) for letter in output[bad])
    assert found == [(0, "int", "x"), (1, "inverse", 0), (2, "key", 12.0)]


def test_a_record_that_cannot_be_decoded_follows_the_streams_policy() -> None:
    """Its dead letter holds its text."""
    writer = App("writer")
    orders, ids, bad = writer.topic("orders", Order), writer.topic("ids", int), writer.topic("bad")
    writer.stream(orders, on_error=dead_letter(bad)).map(lambda order: order.id).to(ids)

    output = run(writer, {orders: [{"id": 1, "amount": 1}, {"id": "two"}, {"id": 3, "amount": 1}]})

    assert output[ids] == [1, 3]
    (letter,) = output[bad]
    assert (letter["record"], letter["operator"], letter["offset"]) == ({"id": "two"}, "orders", 1)


# --- operators with state --------------------------------------------------------------------------------------------


def test_a_record_that_fails_leaves_no_trace_in_the_state() -> None:
    """Not in values, not in lists that were changed in place, not in timers; nor what it gave before."""
    app = App("job")
    stream = app.stream([1, 2, 3, -1, 4, -2, 5], event_time=lambda n: START + timedelta(seconds=abs(n)))
    fired = []

    @stream.key_by(lambda n: "k", name="key").process(on_error=skip)
    def gather(n: int, seen: ListState[int], total: ValueState[int], timer: Timer) -> Iterator[tuple[int, int]]:
        seen.append(n)
        total.set((total.get() or 0) + n)
        timer.at(START + timedelta(seconds=100 + n))
        yield len(seen), total.get() or 0
        if n < 0:
            raise ValueError(n)

    @gather.on_timer
    def ring(at: datetime, key: Key[str]) -> None:
        fired.append((at - START).seconds - 100)

    assert app.collect(gather) == [(1, 1), (2, 3), (3, 6), (4, 10), (5, 15)]
    assert fired == [1, 2, 3, 4, 5]


def test_a_timer_that_fails_leaves_no_trace() -> None:
    """It has fired all the same."""
    app = App("job")

    @(
        app.stream([1, 2], event_time=lambda n: START + timedelta(seconds=n))
        .key_by(lambda n: n, name="n")
        .process(on_error=skip)
    )
    def wait(n: int, total: ValueState[int], timer: Timer) -> None:
        timer.at(START + timedelta(seconds=n + 10))
        timer.at(START + timedelta(seconds=n + 20))

    @wait.on_timer
    def ring(at: datetime, key: Key[int], total: ValueState[int]) -> tuple[int, int]:
        total.set((total.get() or 0) + 1)
        if (at - START).seconds == 11:
            raise ValueError(at)
        return key, total.get() or 0

    assert app.collect(wait) == [(2, 1), (1, 1), (2, 2)]


def test_reduce_keeps_the_last_result_when_one_fails() -> None:
    """The record is left out."""
    app = App("job")
    totals = app.stream([4, 0, 2]).key_by(lambda n: "k", name="key")

    def divide(total: int, n: int) -> int:
        return total // n

    assert app.collect(totals.reduce(divide, on_error=skip)) == [4, 2]


def test_keys_predicates_joins_and_sinks_follow_policies() -> None:
    """As far as they call a function of the program."""
    app, seen = App("job"), []

    def strict(n: int) -> None:
        seen.append(12 // n)

    app.stream([1, 0, 2], on_error=skip).sink(strict)
    run(app, {})
    high, low = app.stream([1, 0, 4], on_error=skip).split(high=lambda n: 12 / n > 3, low=lambda n: True)

    assert seen == [12, 6]
    assert app.collect(high) == [1]
    assert app.collect(low) == [4]


def test_map_batches_finds_the_rows_that_fail() -> None:
    """By calling the function with one after the other."""
    app = App("job")

    def careful(frame: Any) -> Any:
        if 0 in frame["amount"]:
            raise ValueError("nothing")
        return frame

    orders = app.stream([Order(1, 1), Order(2, 0), Order(3, 3)])

    assert [one.id for one in app.collect(orders.map_batches(careful, into=Order, on_error=skip))] == [1, 3]


def test_a_window_whose_function_fails_gives_nothing() -> None:
    """The others do."""
    app = App("job")
    stream = app.stream([1, 11, 21], event_time=lambda n: START + timedelta(seconds=n), on_error=skip)

    def check(window: Any) -> int:
        (value,) = window
        if value == 11:
            raise ValueError(value)
        return int(value)

    assert app.collect(stream.key_by(lambda n: "k", name="k").window(tumbling("10s")).apply(check)) == [1, 21]


# --- what an OperatorError says --------------------------------------------------------------------------------------


class Bid(Record):
    """Something with a time."""

    item: str
    at: datetime


def boom(*_: Any) -> Any:
    """Fails."""
    raise ValueError("boom")


def spoil(bid: Bid, seen: ValueState[int]) -> None:
    """Fails, and has state."""
    raise ValueError("boom")


EVERY_OPERATOR: dict[str, Any] = {
    "map": lambda bids: bids.map(boom, name="op"),
    "filter": lambda bids: bids.filter(boom, name="op"),
    "filter behind a map": lambda bids: bids.map(lambda bid: bid).filter(boom, name="op"),
    "flat_map": lambda bids: bids.flat_map(boom, name="op"),
    "tap": lambda bids: bids.tap(boom, name="op"),
    "map_batches": lambda bids: bids.map_batches(boom, name="op"),
    "split": lambda bids: bids.split(high=boom, name="op")[0],
    "key_by": lambda bids: bids.key_by(boom, name="op").aggregate(n=agg.count()),
    "reduce": lambda bids: bids.key_by("item").reduce(boom, name="op"),
    "process": lambda bids: bids.key_by("item").process(spoil, name="op"),
    "aggregate": lambda bids: bids.key_by("item").aggregate(n=agg.sum(boom), name="op"),
    "window aggregate": lambda bids: bids.key_by("item").window(tumbling("1s")).aggregate(n=agg.sum(boom), name="op"),
    "window function": lambda bids: bids.key_by("item").window(tumbling("1s")).apply(boom, name="op"),
    "sink behind a filter": lambda bids: bids.filter(lambda bid: True).sink(boom, name="op"),
}


@pytest.mark.parametrize("operator", EVERY_OPERATOR)
def test_every_operator_says_which_record_it_failed_on(operator: str) -> None:
    """With topic, partition and offset, but for a window; and what it is chained to begins at the user's line."""
    app = App("job")
    bids, results = app.topic("bids", Bid), app.topic("results")
    stream = EVERY_OPERATOR[operator](app.stream(bids, event_time="at"))
    if hasattr(stream, "to"):
        stream.to(results)

    with pytest.raises(OperatorError) as raised:
        run(app, {bids: [Bid("a", START), Bid("a", START + timedelta(minutes=1))]})

    error = raised.value
    assert error.operator == "op"
    assert error.record.startswith("Window(key='a'" if operator == "window function" else "Bid(item='a'")
    place = (error.topic, error.partition, error.offset)
    assert place == {"window function": (None, None, None), "reduce": ("bids", 0, 1)}.get(operator, ("bids", 0, 0))
    assert error.__cause__ is not None
    assert error.__cause__.__traceback__ is not None
    assert error.__cause__.__traceback__.tb_frame.f_code.co_name in ("boom", "spoil")
