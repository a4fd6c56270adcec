"""The loop of coroutines in a simulation: asyncio as people know it, on virtual time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from actorstream.actors.agenda import Agenda
from actorstream.errors import OutsideSimulation
from actorstream.host import VirtualClock
from actorstream.host.virtual_loop import VirtualLoop


class Bench:
    """A loop, and what drives it."""

    def __init__(self, lag_us: Callable[[], int] = lambda: 0) -> None:
        self.clock = VirtualClock()
        self.agenda = Agenda()
        self.loop = VirtualLoop(
            self.clock, lambda delay_us, fire: self.agenda.add(self.clock.now_us() + delay_us, fire), lag_us
        )

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """To the end of everything that is due at some time."""
        task = self.loop.create_task(work)
        while (next_us := self.agenda.next_us()) >= 0:
            self.clock.advance_to(next_us)
            self.agenda.fire(next_us)
        return task.result()

    @property
    def seconds(self) -> float:
        """Virtual time that has passed, but for the moments that turns take."""
        return round(self.clock.monotonic_us() / 1e6, 3)


def test_a_sleep_takes_virtual_time() -> None:
    """And no other."""
    bench = Bench()

    bench.run(asyncio.sleep(3600))

    assert bench.seconds == 3600


def test_sleeps_end_in_their_order() -> None:
    """What is due first goes on first."""
    bench, order = Bench(), []

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append(seconds)

    async def main() -> None:
        await asyncio.gather(*(sleep(seconds) for seconds in (3, 1, 2)))

    bench.run(main())

    assert order == [1, 2, 3]


def test_what_asyncio_offers_beside_sleep_works() -> None:
    """Tasks, groups, events, queues, locks, timeouts."""
    bench = Bench()

    async def main() -> list[str]:
        said: list[str] = []
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=1)
        event, lock = asyncio.Event(), asyncio.Lock()

        async def put() -> None:
            async with lock:
                for word in ("a", "b"):
                    await queue.put(word)
            event.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(put())
            said += [await queue.get(), await queue.get()]
            await event.wait()
        try:
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        except TimeoutError:
            said.append("late")
        said.append(await asyncio.wait_for(asyncio.sleep(1, "slept"), timeout=10))
        return said

    assert bench.run(main()) == ["a", "b", "late", "slept"]
    assert bench.seconds == 6  # A timeout that was not needed does not move time.


def test_an_async_generator_that_is_let_go_of_tidies_up() -> None:
    """On the loop, so that it may await."""
    bench, said = Bench(), []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(1)
            said.append("tidied")

    async def main() -> int:
        return await anext(numbers())

    assert bench.run(main()) == 1
    assert said == ["tidied"]


@pytest.mark.parametrize(
    ("leave", "what"),
    [
        (lambda: asyncio.open_connection("127.0.0.1", 80), "connections"),
        (lambda: asyncio.start_server(lambda reader, writer: None, port=0), "servers"),
        (lambda: asyncio.to_thread(lambda: 1), "threads"),
        (lambda: asyncio.create_subprocess_exec("true"), "processes"),
        (lambda: asyncio.get_running_loop().getaddrinfo("localhost", 80), "connections"),
    ],
)
def test_what_leads_out_is_refused(leave: Callable[[], Any], what: str) -> None:
    """In one line that says what to do."""

    async def main() -> None:
        await leave()

    with pytest.raises(OutsideSimulation, match=f"no {what} in memory, where a coroutine called .*app.run"):
        Bench().run(main())


def test_another_thread_is_refused() -> None:
    """There are none in a simulation."""
    bench, raised = Bench(), []

    def call() -> None:
        try:
            bench.loop.call_soon_threadsafe(print)
        except OutsideSimulation as error:
            raised.append(error.what)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()

    assert raised == ["threads"]


def test_it_runs_within_another_loop() -> None:
    """As in a notebook; the other one is the running one again afterwards."""
    bench = Bench()

    async def notebook() -> bool:
        before = asyncio.get_running_loop()
        bench.run(asyncio.sleep(1))
        return asyncio.get_running_loop() is before

    assert asyncio.run(notebook())


def test_closing_cancels_what_has_not_ended() -> None:
    """And lets it tidy up; nothing is complained about."""
    bench, said = Bench(), []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            said.append("tidied")

    bench.loop.create_task(wait())
    bench.agenda.fire(bench.clock.now_us() + 1)
    bench.loop.close()

    assert said == ["tidied"]
    assert bench.loop.is_closed()
    with pytest.raises(RuntimeError, match="over"):
        bench.loop.call_soon(print)
