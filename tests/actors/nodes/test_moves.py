"""Actors that come to live where somebody watches them, or waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Message, Ref, Terminated, receives
from actorstream.actors.nodes.cluster import Cluster
from actorstream.host import Weather
from actorstream.host.logs import silence

BOOK: list[Any] = []
"""What the actors of one test wrote down."""


class Word(Message):
    number: int


class Tick(Message):
    pass


class Talker(Actor):
    """Says the next number to "listener", again and again."""

    def __init__(self) -> None:
        self.number = 0

    def started(self, context: Context) -> None:
        context.schedule("10ms", Tick())

    @receives(Tick)
    def on_tick(self, tick: Tick, context: Context) -> None:
        self.number += 1
        context.send(Ref("listener"), Word(self.number))
        context.schedule("10ms", tick)


class Listener(Actor):
    """Writes down what it hears."""

    @receives(Word)
    def on_word(self, word: Word, context: Context) -> None:
        BOOK.append(word.number)


class Watcher(Actor):
    """Writes down whose end it is told."""

    def started(self, context: Context) -> None:
        context.watch(Ref("listener"))

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        BOOK.append((ended.incarnation, type(ended.reason).__name__))


@pytest.fixture
def system() -> Iterator[ActorSystem]:
    BOOK.clear()
    with silence(), ActorSystem(nodes=2, runtime="simulation", seed=1) as system:
        yield system


def test_what_waits_for_an_actor_goes_before_what_is_sent_once_it_is_here(system: ActorSystem) -> None:
    """The answer where it lives comes later than the actor itself, and than mail that needs no answer."""
    system.world.fabric.weather = Weather(delay_us=(200_000, 200_000))
    system.spawn(Talker, name="talker", node="node-1")
    system.run_for("1s")
    system.spawn(Listener, name="listener", node="node-1")
    system.run_for("2s")

    assert len(BOOK) > 100
    assert list(range(BOOK[0], BOOK[0] + len(BOOK))) == BOOK


def test_who_comes_to_live_beside_its_watcher_is_watched_on(system: ActorSystem) -> None:
    """Each of its ends is told once: the one with its node, and the next one here."""
    system.spawn(Listener, name="listener", node="any", backoff="1ms..1ms")
    system.spawn(Watcher, name="watcher", node="node-2")
    system.run_for("1s")
    assert "listener" in system.world.kernels()["node-1"].cells
    system.world.crash("node-1")
    system.run_for("1s")
    assert "listener" in system.world.kernels()["node-2"].cells
    for _ in range(2):
        system.crash(Ref("listener"))
        system.run_for("1s")

    assert [reason for _, reason in BOOK] == ["Lost", "Crash", "Crash"]
    assert len(dict(BOOK)) == 3


class Parent(Actor):
    """Has the listener on node 3."""

    def started(self, context: Context) -> None:
        context.spawn(Listener, name="listener", node="node-3", restart="permanent", backoff="1ms")


class TalkerBelow(Talker):
    """Talks to a child of "parent"."""

    @receives(Tick)
    def on_tick(self, tick: Tick, context: Context) -> None:
        self.number += 1
        context.send(Ref("parent/listener"), Word(self.number))
        context.schedule("10ms", tick)


def test_what_goes_to_a_node_that_was_not_announced_yet_waits_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place is known from the parent's node; the driver's word comes later, and nothing is lost meanwhile."""
    BOOK.clear()
    kept: list[int] = []
    keep = Cluster._keep

    def seen(cluster: Cluster, number: int, mail: Any) -> bool:
        kept.append(number)
        return keep(cluster, number, mail)

    monkeypatch.setattr(Cluster, "_keep", seen)
    with silence(), ActorSystem(nodes=3, runtime="simulation", seed=1) as system:
        system.spawn(Parent, name="parent", node="node-1")
        system.spawn(TalkerBelow, name="talker", node="node-2")
        system.run_for("1s")
        there = system.world.kernels()["node-2"].cluster
        assert there is not None
        system.world.crash("node-3")
        while 3 in there.nodes:
            system.run(steps_max=1)
        system.world.fabric.cut(["node-0"], ["node-2"], both_ways=False)
        system.run_for("1s")
        said = len(BOOK)
        system.world.fabric.heal()
        system.run_for("2s")

    assert dict.fromkeys(kept) == {4: None}
    after = BOOK[said:]
    assert after == list(range(after[0], after[-1] + 1))
    assert after[0] - BOOK[said - 1] <= 2  # What was under way when the node died.
