"""The schedules that are about actors on many nodes, and about the simulator itself, by number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Hung, Lost, Message, Ref, Terminated, receives
from actorstream.actors.nodes.guests import Guests
from actorstream.actors.nodes.seeker import Seeker
from actorstream.actors.nodes.watches import Watches
from actorstream.actors.wire.links import Links
from actorstream.actors.wire.session import Session
from actorstream.host import Weather
from actorstream.host.logs import silence
from actorstream.testing import ClusterFaults
from tests.actors.nodes.survival import FAULTS, live
from tests.hashes import printed
from tests.simulation import node_plants

BOOK: list[Any] = []
"""What the actors of one test wrote down."""


class Say(Message):
    words: list[str]


class Work(Message):
    """Say a hundred words to "listener", then fail."""


class Listener(Actor):
    """Hears the worker, watches it, and answers."""

    def started(self, context: Context) -> None:
        context.watch(Ref("worker"))

    @receives(Say)
    def on_say(self, say: Say, context: Context) -> None:
        BOOK.append(say)
        if not say.words:
            context.reply(say)

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        BOOK.append(ended.reason)


class Worker(Actor):
    @receives(Work)
    def on_work(self, work: Work, context: Context) -> None:
        for number in range(100):
            context.send(Ref("listener"), Say([str(number)]))
        raise ValueError("done")

    @receives(Say)
    def on_say(self, say: Say, context: Context) -> None:
        BOOK.append(say)


@pytest.fixture
def system() -> Iterator[ActorSystem]:
    """A worker, and whoever hears it, on nodes of their own."""
    BOOK.clear()
    with silence(), ActorSystem(nodes=2, runtime="simulation", seed=4) as system:
        system.spawn(Worker, name="worker", node="node-1", hang_after="4s")
        system.spawn(Listener, name="listener", node="node-2")
        system.run_for("1s")
        yield system


def test_schedule_33_a_handler_of_two_seconds_disturbs_nobody(system: ActorSystem) -> None:
    """Its node is silent for so long, and is not given up; the others go on meanwhile."""
    system.world.pause("node-1")
    system.run_for("1s")
    assert system.ask(Ref("listener"), Say([]), "100ms") == Say([])
    system.run_for("1s")
    system.world.resume("node-1")
    system.run_for("5s")

    assert [one for one in BOOK if isinstance(one, Lost)] == []
    assert system.nodes == ["node-0", "node-1", "node-2"] or system.nodes == ["node-0", "node-2", "node-1"]


def test_schedule_33_a_handler_that_hangs_costs_its_node_alone(system: ActorSystem) -> None:
    """The others go on meanwhile, and all is as before soon after it was ended."""
    listens_in = system.world.kernels()["node-2"]
    system.hang(Ref("worker"))
    system.tell(Ref("worker"), Say([]))
    system.run_for("3s")
    assert system.ask(Ref("listener"), Say([]), "100ms") == Say([])
    system.run_for("3s")

    assert Hung("Say", 4.0) in BOOK
    assert system.world.kernels()["node-2"] is listens_in
    system.tell(Ref("worker"), Say(["again"]))
    system.run_for("100ms")
    assert BOOK[-1] == Say(["again"])


@pytest.mark.parametrize("weather", [Weather(), Weather(loss=0.3), Weather(reorder=0.5), Weather(reset=0.1)])
def test_schedule_34_an_end_is_told_behind_all_that_was_said(system: ActorSystem, weather: Weather) -> None:
    """Also if its way was not known when it was said, and whatever the network does."""
    system.world.fabric.weather = weather
    system.tell(Ref("worker"), Work())
    system.run_for("10s")
    system.world.fabric.weather = Weather()
    system.run_for("3s")

    assert BOOK[:100] == [Say([str(number)]) for number in range(100)]
    assert type(BOOK[100]).__name__ == "Crash"


def test_schedule_34_is_noticed_when_an_end_overtakes(system: ActorSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """News of an end wait behind what waits until its way is known; storms hardly ever see both at once."""
    node_plants.ends_overtake_mail(monkeypatch)

    with pytest.raises(AssertionError):
        test_schedule_34_an_end_is_told_behind_all_that_was_said(system, Weather())


def crcs() -> str:
    """What tells the runs of some storms."""
    return " ".join(f"{live(seed)[1]:08x}" for seed in range(2))


def test_schedule_39_a_storm_is_the_same_whatever_the_hashes_are() -> None:
    """In processes of their own, with hashes of strings that differ, each seed's trace is the same to the last step."""
    found = printed("from tests.simulation.test_schedules_of_nodes import crcs; print(crcs())")

    assert len(found) == 1
    assert len(dict.fromkeys(found[0].split())) == 2


@pytest.mark.parametrize("seed", range(3))
def test_schedule_40_each_seed_twice_is_the_same_run(seed: int) -> None:
    """Faults, and the trace."""
    assert live(seed) == live(seed)


def test_schedule_40_what_nodes_say_passes_the_codec(system: ActorSystem) -> None:
    """What arrives is equal, and not the same: nobody shares memory."""
    said = Say(["a list, which could be changed"])
    system.tell(Ref("listener"), said)
    system.run_for("100ms")

    assert said in BOOK
    assert all(one is not said and one.words is not said.words for one in BOOK)


RARE = [
    (Links, "is_fenced"),
    (Session, "go_back"),
    (Guests, "_evict"),
    (Guests, "make_room"),
    (Seeker, "_ask_again"),
    (Watches, "_on_lost"),
    (Watches, "_move"),
]
"""What happens between nodes only when something goes wrong."""


def test_schedule_40_every_fault_and_every_rare_branch_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a few seeds."""
    seen: Counter[str] = Counter()
    for owner, name in RARE:
        right = getattr(owner, name)

        def count(*arguments: Any, right: Any = right, what: str = f"{owner.__name__}.{name}", **options: Any) -> Any:
            seen[what] += 1
            return right(*arguments, **options)

        monkeypatch.setattr(owner, name, count)
    for seed in range(12):
        seen += live(seed)[0]

    faults = [one.name for one in fields(ClusterFaults) if getattr(FAULTS, one.name)]
    rare = [f"{owner.__name__}.{name}" for owner, name in RARE]
    assert [name for name in [*faults, *rare, "unreachable", "replaced", "woken"] if not seen[name]] == []
