"""Crews of actors: coroutines beside an actor, whose outcomes are messages to it."""

from __future__ import annotations

import asyncio
from typing import Any

from actorstream.actors import Actor, ActorSystem, Context, Message, receives
from actorstream.testing import actor_kit


class Ask(Message):
    """Have it doubled."""

    number: int


class Doubled(Message):
    """What came of it."""

    outcomes: list[Any]


class Told(Message):
    """So many are known."""

    known: tuple[int, ...]


class GetTold(Message):
    """How many?"""


class Restart(Message):
    """Fail, and begin anew."""


async def double(number: int) -> int:
    """After as many seconds."""
    await asyncio.sleep(number)
    return number * 2


class Doubler(Actor, accepts=Ask | Doubled | GetTold | Restart):
    """Has numbers doubled."""

    def started(self, context: Context) -> None:
        self.known: list[int] = []
        self.crew = context.crew(double, 2, Doubled)

    @receives(Ask)
    def on_ask(self, ask: Ask, context: Context) -> None:
        self.crew.start([(ask.number, ask.number)])
        if ask.number > 100:
            context.schedule("1s", Restart())

    @receives(Doubled)
    def on_doubled(self, doubled: Doubled, context: Context) -> None:
        self.known += [result for _, result, _ in doubled.outcomes]

    @receives(GetTold)
    def on_get_told(self, get: GetTold, context: Context) -> None:
        context.reply(Told(tuple(self.known)))

    @receives(Restart)
    def on_restart(self, restart: Restart, context: Context) -> None:
        raise ValueError("on purpose")


def test_outcomes_come_home_in_virtual_time() -> None:
    """Two at a time: the third begins when the first has ended."""
    with ActorSystem(runtime="simulation", seed=1) as system:
        doubler = system.spawn(Doubler, name="doubler")
        before = system.host.clock.monotonic_us()
        for number in (3, 5, 4):
            system.tell(doubler, Ask(number))
        system.run()

        assert system.ask(doubler, GetTold(), timeout="1s") == Told((6, 10, 8))
        assert 7 <= (system.host.clock.monotonic_us() - before) / 1e6 < 7.1


def test_outcomes_for_an_incarnation_that_has_ended_reach_nobody() -> None:
    """Its calls are cancelled."""
    with ActorSystem(runtime="simulation", seed=1) as system:
        doubler = system.spawn(Doubler, name="doubler")
        before = system.host.clock.monotonic_us()
        system.tell(doubler, Ask(3600))
        system.run()

        assert system.simulator.open_coroutines == 0
        assert (system.host.clock.monotonic_us() - before) / 1e6 < 60
        assert system.ask(doubler, GetTold(), timeout="1s") == Told(())


def test_a_local_system_leaves_nothing_under_way() -> None:
    """Leaving the block cancels, and waits for it."""
    tidied: list[int] = []

    async def wait(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            tidied.append(number)

    class Waiter(Doubler):
        def started(self, context: Context) -> None:
            context.crew(wait, 2, Doubled).start([(0, 0), (1, 1)])
            context.crew(double, 1, Doubled).start([(0, 0)])
            self.known = []

    with ActorSystem() as system:
        waiter = system.spawn(Waiter, name="waiter")
        while system.ask(waiter, GetTold(), timeout="5s") != Told((0,)):
            """Its calls have begun once that has come home."""

    assert sorted(tidied) == [0, 1]


def test_a_kit_lets_coroutines_go_on_with_time() -> None:
    """And no further."""
    kit = actor_kit(Doubler)
    kit.send(Ask(2))

    kit.advance("1s")
    before = list(kit.actor.known)
    kit.advance("2s")

    assert (before, kit.actor.known) == ([], [4])
