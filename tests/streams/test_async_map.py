"""Async `map`: programs that await, in memory and for real."""

from __future__ import annotations

import asyncio
import gc
import threading
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from actorstream import App, Record, agg, dead_letter, retry, skip, tumbling
from actorstream.errors import JobFailed, OperatorError, OutsideSimulation, PlanError
from actorstream.streams.job import coordinator
from actorstream.testing import run
from tests.properties.programs import run_with
from tests.streams.makers import Event, event


async def doubled(number: int) -> int:
    """Comes back sooner, the larger the number."""
    await asyncio.sleep(1 / (number + 1))
    return number * 2


@pytest.fixture
def quiet() -> Iterator[None]:
    """No coroutine is left unawaited, no thread is left, nothing is complained about."""
    gc.collect()  # What other tests have left complains now.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(one.message) for one in caught if issubclass(one.category, RuntimeWarning)] == []
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("actorstream-coroutines")] == []


# --- in memory -------------------------------------------------------------------------------------------------------


def test_results_come_in_order() -> None:
    """Whichever comes back first."""
    app = App("job")

    assert app.collect(app.stream(range(20)).map(doubled)) == [number * 2 for number in range(20)]


def test_results_come_as_they_are_there() -> None:
    """Where order is not kept."""
    app = App("job")

    assert app.collect(app.stream(range(4)).map(doubled, ordered=False)) == [6, 4, 2, 0]


def test_it_costs_virtual_time_only() -> None:
    """An hour each."""
    app = App("job")
    source, results = app.topic("source", int), app.topic("results", int)

    @app.stream(source).map(concurrency=2)
    async def slow(number: int) -> int:
        await asyncio.sleep(3600)
        return number

    slow.to(results)

    assert run(app, {source: [1, 2, 3]})[results] == [1, 2, 3]


def test_never_more_calls_than_asked_for() -> None:
    """Of all partitions together."""
    app = App("job")
    source, results = app.topic("source", int, partitions=4), app.topic("results", int)
    under_way, most = 0, 0

    @app.stream(source).map(concurrency=3)
    async def call(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.1)
        under_way -= 1
        return number

    call.to(results)

    assert sorted(run(app, {source: list(range(40))})[results]) == list(range(40))
    assert most == 3


def test_windows_wait_for_what_is_awaited() -> None:
    """Event time does not overtake a call; the time of a record is that of its value."""
    app = App("job")
    events = app.stream([event(second, value=second) for second in range(30)], event_time="at")

    @events.map
    async def ask(one: Event) -> Event:
        await asyncio.sleep(one.value * 7 % 10)
        return one

    counts = ask.key_by("key").window(tumbling("10s")).aggregate(n=agg.count(), last=agg.last("value"))

    assert [(one.n, one.last) for one in app.collect(counts)] == [(10, 9), (10, 19), (10, 29)]


def test_the_function_stays_one_and_names_the_stream() -> None:
    """So it is tested as a function."""
    app = App("job")

    @app.stream([1]).map(concurrency=2)
    async def twice(number: int) -> int:
        return number * 2

    assert twice.name == "twice"
    assert asyncio.run(twice(4)) == 8


def test_a_function_that_made_a_stream_may_make_another() -> None:
    """It is awaited there, too."""
    app = App("job")

    @app.stream([1], name="one").map
    async def twice(number: int) -> int:
        return number * 2

    assert app.collect(app.stream([2], name="two").map(twice, concurrency=2)) == [4]


def test_a_callable_object_may_be_async() -> None:
    """A client, for one."""

    class Client:
        async def __call__(self, number: int) -> int:
            return number + 1

    app = App("job")

    assert app.collect(app.stream([1]).map(Client(), name="client")) == [2]


# --- what fails ------------------------------------------------------------------------------------------------------


class Number(Record):
    """A record of a topic."""

    n: int


def test_an_exception_names_the_record() -> None:
    """As that of a plain function: operator, record, topic, partition, offset, and the user's own line."""
    app = App("job")
    source, results = app.topic("source", Number), app.topic("results", float)

    @app.stream(source).map
    async def inverse(number: Number) -> float:
        await asyncio.sleep(0.1)
        return 1 / number.n

    inverse.to(results)

    with pytest.raises(OperatorError, match=r"'inverse' failed on Number\(n=0\), source-0 at offset 2: Zero") as caught:
        run(app, {source: [Number(1), Number(2), Number(0), Number(3)]})
    cause = caught.value.__cause__
    assert cause is not None
    frames = traceback.extract_tb(cause.__traceback__)
    assert [(Path(frame.filename).name, frame.line) for frame in frames] == [
        ("test_async_map.py", "return 1 / number.n")
    ]


def test_policies_hold() -> None:
    """Retries with their waits, dead letters in order, what is left out."""
    app = App("job")
    source, results, bad = app.topic("source", int), app.topic("results", int), app.topic("bad")
    calls: list[tuple[int, float]] = []

    @app.stream(source).map(concurrency=1, on_error=retry(times=2, backoff="1s..10s") | dead_letter(bad))
    async def call(number: int) -> int:
        calls.append((number, round(asyncio.get_running_loop().time())))
        if number in (2, 3) or (number == 1 and len(calls) < 3):
            raise OSError(f"not {number}")
        return number

    call.to(results)
    output = run(app, {source: [1, 2, 3, 4]})

    start = calls[0][1]
    assert [(number, at - start) for number, at in calls] == [
        *((1, 0), (1, 1), (1, 3)),
        *((2, 3), (2, 4), (2, 6)),
        *((3, 6), (3, 7), (3, 9)),
        (4, 9),
    ]
    assert output[results] == [1, 4]
    assert [(one["record"], one["operator"], one["error"], one["offset"]) for one in output[bad]] == [
        (2, "call", "OSError: not 2", 1),
        (3, "call", "OSError: not 3", 2),
    ]


def test_what_is_outside_is_refused_whatever_the_policy() -> None:
    """A test that reaches for a service must not pass."""
    app = App("job")

    @app.stream([1]).map(on_error=retry(times=2) | skip)
    async def fetch(number: int) -> bytes:
        reader, _ = await asyncio.open_connection("127.0.0.1", 80)
        return await reader.read()

    with pytest.raises(OutsideSimulation, match=r"no connections in memory, where a coroutine called loop.create_conn"):
        app.collect(fetch)


def test_a_checkpoint_that_waits_long_is_logged() -> None:
    """With how many calls it waits for."""
    app = App("job")
    source, results = app.topic("source", int), app.topic("results", int)

    @app.stream(source).map
    async def slow(number: int) -> int:
        await asyncio.sleep(25)
        return number

    slow.to(results)
    with capture_logs() as lines:
        run_with(app, {source: [1]}, checkpoint_us=1_000)

    said = [line for line in lines if line["event"] == "checkpoint waits for coroutines"]
    assert [line["calls"] for line in said] == [1]


def test_a_coroutine_that_never_returns_is_said_to_be_there() -> None:
    """In memory nobody waits for ever."""
    app = App("job")

    @app.stream([1, 2]).map
    async def hang(number: int) -> None:
        await asyncio.Event().wait()

    with pytest.raises(JobFailed, match="2 coroutines wait for what nobody brings"):
        app.collect(hang)


async def emit(number: int) -> Any:
    """An async generator."""
    yield number


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (
            lambda stream: stream.map(abs, concurrency=2),
            r"concurrency=2 is for async functions, and abs is a plain one",
        ),
        (lambda stream: stream.map(abs, ordered=False), r"ordered=False is for async functions"),
        (lambda stream: stream.map(concurrency=2)(abs), r"concurrency=2 is for async functions"),
        (lambda stream: stream.map(doubled, concurrency=0), r"concurrency is 0; it is how many .* from 1 to 10000"),
        (lambda stream: stream.map(doubled, concurrency=True), r"concurrency is True"),
        (lambda stream: stream.map(doubled, concurrency=10_001), r"concurrency is 10001"),
        (lambda stream: stream.map(doubled, ordered=1), r"ordered is 1; it is True or False"),
        (lambda stream: stream.map(emit), r"emit is an async generator"),
        (lambda stream: stream.map(3), r"map at .* was given 3; give it a function"),
        (lambda stream: stream.filter(doubled), r"filter at .*: doubled is async; only map awaits"),
        (lambda stream: stream.tap(doubled), r"tap at .*: doubled is async"),
        (lambda stream: stream.flat_map(emit), r"flat_map at .*: emit is async"),
        (lambda stream: stream.key_by(doubled), r"key_by at .*: doubled is async"),
    ],
)
def test_what_makes_no_sense_is_refused(build: Any, said: str) -> None:
    """Where it is written."""
    with pytest.raises(PlanError, match=said):
        build(App("job").stream([1]))


# --- for real --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quiet")
def test_a_job_awaits_for_real(tmp_path: Path) -> None:
    """Many calls at a time, on a loop that has sockets."""
    app, found = App("job"), []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    @app.stream(range(200)).map(concurrency=50)
    async def ask(number: int) -> int:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(f"{number}\n".encode())
        answer = int(await reader.readline())
        writer.close()
        await writer.wait_closed()
        server.close()
        return answer

    ask.sink(found.append, name="found")
    app.run(data=str(tmp_path))

    assert found == list(range(200))


@pytest.mark.usefixtures("quiet")
def test_what_failed_for_real_ends_the_job(tmp_path: Path) -> None:
    """What else is under way is cancelled."""
    app, cancelled = App("job"), []

    @app.stream(range(4)).map
    async def fail(number: int) -> int:
        if number == 0:
            raise ValueError(number)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    fail.sink(print, name="end")

    with pytest.raises(OperatorError, match="'fail' failed on 0"):
        app.run(data=str(tmp_path))
    assert sorted(cancelled) == [1, 2, 3]


@pytest.mark.usefixtures("quiet")
def test_a_job_whose_coroutine_never_returns_can_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for a while, and then goes without: the next run calls again."""
    monkeypatch.setattr(coordinator, "DRAIN_WITHIN_US", 100_000)
    app, called, found = App("job"), threading.Event(), []
    is_stuck = True

    @app.stream([1, 2, 3]).map(concurrency=2)
    async def ask(number: int) -> int:
        if number == 2 and is_stuck:
            called.set()
            await asyncio.Event().wait()
        return number

    ask.sink(found.append, name="found")
    with app.start(data=str(tmp_path)) as job:
        assert called.wait(10)
        job.stop()

    is_stuck = False
    app.run(data=str(tmp_path))
    assert found[-3:] == [1, 2, 3]


def test_a_blocking_call_may_go_to_a_thread(tmp_path: Path) -> None:
    """Of the loop's own executor."""
    app, found = App("job"), []

    @app.stream([1, 2]).map
    async def ask(number: int) -> int:
        return await asyncio.to_thread(pow, number, 2)

    ask.sink(found.append, name="found")
    app.run(data=str(tmp_path))

    assert found == [1, 4]
