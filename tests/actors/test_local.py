"""What is particular to the event loop: threads, and the loop itself."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Message, receives
from actorstream.errors import ActorTerminated


class Add(Message):
    number: int


class Total(Message):
    sum: int


class Adder(Actor, accepts=Add):
    def __init__(self) -> None:
        self.sum = 0
        self.threads: set[int] = set()

    @receives(Add)
    def on_add(self, add: Add, context: Context) -> None:
        self.sum += add.number
        self.threads.add(threading.get_ident())
        context.reply(Total(self.sum))

    def observe(self) -> dict[str, object]:
        return {"threads": len(self.threads)}


def test_many_threads_may_tell_and_ask() -> None:
    """Nothing is lost between threads, and one thread alone runs the actors."""
    with ActorSystem() as system, ThreadPoolExecutor(8) as threads:
        adder = system.spawn(Adder)

        def add(number: int) -> None:
            for _ in range(200):
                system.tell(adder, Add(number))
            system.ask(adder, Add(0))

        list(threads.map(add, range(8)))

        assert system.ask(adder, Add(0)) == Total(200 * sum(range(8)))


def test_leaving_the_system_leaves_no_thread() -> None:
    """Neither the loop's thread nor those of background work stay."""
    before = threading.active_count()

    with ActorSystem() as system:
        adder = system.spawn(Adder)
        system.ask(adder, Add(1))
        during = threading.active_count()

    assert during > before
    assert threading.active_count() == before


def test_a_stopped_system_refuses_calls() -> None:
    """Telling, asking and starting after `stop` is `ActorTerminated`; looking is possible."""
    with ActorSystem() as system:
        adder = system.spawn(Adder)
    system.stop()

    for call in (
        lambda: system.tell(adder, Add(1)),
        lambda: system.ask_future(adder, Add(1)),
        lambda: system.spawn(Adder),
    ):
        with pytest.raises(ActorTerminated):
            call()
    assert system.actors() == []
    assert system.tree() == ""


def test_coroutines_on_the_loop_reach_actors_directly() -> None:
    """A server on the system's loop asks without leaving its thread, and is ended with the system."""
    ended = threading.Event()

    async def serve(system: ActorSystem) -> Message:
        adder = system.spawn(Adder, name="adder")
        system.tell(adder, Add(1))
        return await asyncio.wrap_future(system.ask_future(adder, Add(2)))

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with ActorSystem() as system:
        answer = asyncio.run_coroutine_threadsafe(serve(system), system.loop).result(5)
        asyncio.run_coroutine_threadsafe(wait_for_ever(), system.loop)

    assert answer == Total(3)
    assert ended.is_set()


def test_sockets_get_their_turn_while_actors_are_busy() -> None:
    """An actor that always has something to do does not keep the loop from others."""

    class Busy(Actor):
        @receives(Add)
        def on_add(self, add: Add, context: Context) -> None:
            context.send(context.self, add)

    async def other() -> str:
        return "served"

    with ActorSystem() as system:
        system.tell(system.spawn(Busy), Add(1))

        assert asyncio.run_coroutine_threadsafe(other(), system.loop).result(5) == "served"


def test_a_simulation_has_no_loop() -> None:
    """Asking for it is refused."""
    with ActorSystem(runtime="simulation") as system, pytest.raises(RuntimeError, match="no event loop"):
        _ = system.loop
