"""Crews: calls of an async function, so many at a time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorstream.host.crew import Crew, Outcome
from actorstream.host.loop_thread import LoopThread


async def outcomes_of(
    function: Any, arguments: list[Any], hands: int = 2, waits_us: tuple[int, ...] = ()
) -> list[Outcome]:
    """What a crew makes of calls, in the order in which they end."""
    ended: list[Outcome] = []
    done = asyncio.Event()

    def deliver(outcomes: list[Outcome]) -> None:
        ended.extend(outcomes)
        if len(ended) == len(arguments):
            done.set()

    crew = Crew(asyncio.get_running_loop(), function, hands, waits_us, deliver)
    crew.start(list(enumerate(arguments)))
    await done.wait()
    return ended


def test_never_more_calls_than_hands() -> None:
    """And as many, as long as there are calls."""
    under_way, most = 0, 0

    async def call(argument: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001 * (argument % 3))
        under_way -= 1
        return argument

    ended = asyncio.run(outcomes_of(call, list(range(30)), hands=4))

    assert most == 4
    assert sorted(ended) == [(n, n, None) for n in range(30)]


def test_a_call_that_raises_says_so() -> None:
    """The others go on."""

    async def call(argument: int) -> float:
        return 1 / argument

    ended = asyncio.run(outcomes_of(call, [1, 0, 2]))

    assert [(name, result, type(error)) for name, result, error in ended] == [
        (0, 1.0, type(None)),
        (1, None, ZeroDivisionError),
        (2, 0.5, type(None)),
    ]


@pytest.mark.parametrize("by_itself", [True, False])
def test_a_call_that_cancels_itself_has_failed(by_itself: bool) -> None:
    """Nobody waits for it for ever, and those behind it are called."""

    async def call(argument: int) -> int:
        if argument == 0 and by_itself:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(1)
        elif argument == 0:
            raise asyncio.CancelledError
        await asyncio.sleep(0)
        return argument

    ended = asyncio.run(outcomes_of(call, [0, 1], hands=1))

    assert [(name, result, str(error)) for name, result, error in ended] == [
        (0, None, "the call was cancelled, and not by the job"),
        (1, 1, "None"),
    ]


def test_a_call_is_made_again_after_a_wait() -> None:
    """As often as there are waits; the last failure counts."""
    calls: list[int] = []

    async def call(argument: int) -> int:
        calls.append(argument)
        if argument == 0 or calls.count(argument) < 2:
            raise OSError(len(calls))
        return argument

    ended = asyncio.run(outcomes_of(call, [0, 1], hands=1, waits_us=(10, 20)))

    assert calls == [0, 0, 0, 1, 1]
    assert [(name, result, str(error)) for name, result, error in ended] == [(0, None, "3"), (1, 1, "None")]


def test_calls_that_come_when_all_have_ended_are_made() -> None:
    """Workers that have just ended count no more."""

    async def main() -> list[Any]:
        found: list[Any] = []
        done = asyncio.Event()

        def deliver(outcomes: list[Outcome]) -> None:
            found.extend(name for name, _, _ in outcomes)
            if len(found) < 5:
                crew.start([(len(found), None)])
            else:
                done.set()

        async def call(argument: Any) -> None:
            """Returns at once."""

        crew = Crew(asyncio.get_running_loop(), call, 1, (), deliver)
        crew.start([(0, None)])
        await done.wait()
        return found

    assert asyncio.run(main()) == [0, 1, 2, 3, 4]


def test_after_cancelling_nothing_is_delivered() -> None:
    """What was under way may tidy up."""
    tidied: list[int] = []

    async def call(argument: int) -> int:
        try:
            await asyncio.Event().wait()
        finally:
            tidied.append(argument)
        return argument

    async def main() -> list[Outcome]:
        ended: list[Outcome] = []
        crew = Crew(asyncio.get_running_loop(), call, 2, (), ended.extend)
        crew.start([(n, n) for n in range(3)])
        await asyncio.sleep(0.01)
        crew.cancel()
        await asyncio.sleep(0.01)
        crew.start([(3, 3)])
        await asyncio.sleep(0.01)
        return ended

    assert asyncio.run(main()) == []
    assert tidied == [0, 1]


def test_a_thread_of_a_loop_ends_with_what_runs_there() -> None:
    """Cancelled, and waited for."""
    tidied: list[str] = []
    thread = LoopThread()

    async def call(argument: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            tidied.append(argument)

    future = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), thread.loop)
    Crew(thread.loop, call, 1, (), lambda outcomes: None).start([(0, "a")])
    future.result()
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), thread.loop).result()
    thread.close()

    assert tidied == ["a"]
    assert thread.loop.is_closed()
