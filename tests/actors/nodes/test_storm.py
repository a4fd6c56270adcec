"""Each fault that may befall simulated nodes does something, and a storm of them ends well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from actorstream.actors import (
    Actor,
    ActorSystem,
    Context,
    Crash,
    Hung,
    Lost,
    Message,
    Ref,
    Terminated,
    receives,
)
from actorstream.errors import DiskFull
from actorstream.host import Entropy, Weather
from actorstream.host.logs import silence
from actorstream.testing import ClusterFaults, storm
from actorstream.testing.cluster_faults import strikes
from tests.actors.nodes.townsfolk import found

BOOK: list[Any] = []
"""What the actors of one test wrote down."""


class Count(Message):
    number: int


class Save(Message):
    text: bytes


class Saved(Message):
    at_us: int


class What(Message):
    """What time is it, and what does the disk hold?"""


class Facts(Message):
    now_us: int
    saved: bytes


class Keeper(Actor):
    """Counts what it is sent, and writes to its node's disk."""

    @receives(Count)
    def on_count(self, count: Count, context: Context) -> None:
        BOOK.append((count.number, context.host.clock.monotonic_us()))

    @receives(Save)
    def on_save(self, save: Save, context: Context) -> None:
        disk = context.host.disk

        def write() -> None:
            file = disk.open("saved", create=True)
            file.append(save.text)
            file.sync()
            disk.sync_dir("")

        context.background(write, lambda _: Saved(0))

    @receives(Saved)
    def on_saved(self, saved: Saved, context: Context) -> None:
        BOOK.append(("saved", context.host.clock.monotonic_us()))

    @receives(What)
    def on_what(self, what: What, context: Context) -> None:
        disk = context.host.disk
        saved = disk.open("saved").read(0, 100) if disk.exists("saved") else b""
        context.reply(Facts(context.now(), saved))


class Watcher(Actor):
    """Writes down whose end it is told."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def started(self, context: Context) -> None:
        for path in self.paths:
            context.watch(Ref(path))

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        BOOK.append((ended.ref.path, ended.reason))


@pytest.fixture
def system() -> Iterator[ActorSystem]:
    """Two nodes, with a keeper and its neighbour on the first, both watched."""
    BOOK.clear()
    with silence(), ActorSystem(nodes=2, runtime="simulation", seed=3) as system:
        system.spawn(Keeper, name="keeper", node="node-1", hang_after="2s")
        system.spawn(Keeper, name="neighbour", node="node-1")
        system.spawn(Watcher, ["keeper", "neighbour"], name="watcher")
        system.run_for("1s")
        yield system


def ends() -> dict[str, Any]:
    """Why each one ended, last."""
    return {one[0]: one[1] for one in BOOK if isinstance(one[0], str) and not isinstance(one[1], int)}


def counted() -> list[int]:
    return [one[0] for one in BOOK if isinstance(one[0], int)]


def count_to(system: ActorSystem, last: int) -> None:
    """Send so many numbers to the keeper, a millisecond apart."""
    for number in range(1, last + 1):
        system.tell(Ref("keeper"), Count(number))
        system.run_for("1ms")


def facts(system: ActorSystem) -> Facts:
    answer = system.ask(Ref("keeper"), What(), "5s")
    assert isinstance(answer, Facts)
    return answer


def test_an_actor_crashes(system: ActorSystem) -> None:
    """It alone ends."""
    system.crash(Ref("keeper"))
    system.run_for("1s")

    assert list(ends()) == ["keeper"]
    assert isinstance(ends()["keeper"], Crash)


def test_a_process_crashes(system: ActorSystem) -> None:
    """All on it are lost, at once, and come back on the next one."""
    system.world.crash("node-1")
    system.run_for("20ms")
    assert ends() == {"keeper": Lost("node-1"), "neighbour": Lost("node-1")}
    system.run_for("2s")

    assert system.nodes == ["node-0", "node-2", "node-1"]
    facts(system)


def test_a_host_crashes(system: ActorSystem) -> None:
    """That takes seconds to notice; what was synced is there, what was not may not be."""
    disk = system.world.disk("node-1")
    assert disk is not None
    system.tell(Ref("keeper"), Save(b"safe"))
    system.run_for("100ms")
    disk.open("saved").append(b"unsafe" * 10)
    disk.open("torn", create=True).append(b"x" * 1000)

    system.world.crash("node-1", host=True)
    system.run_for("1s")
    assert not ends()
    system.run_for("20s")

    assert ends() == {"keeper": Lost("node-1"), "neighbour": Lost("node-1")}
    saved = facts(system).saved
    assert saved.startswith(b"safe")
    assert len(saved) < 64 or not disk.exists("torn") or disk.open("torn").size() < 1000


def test_a_machine_sleeps_for_a_moment(system: ActorSystem) -> None:
    """What was sent meanwhile comes when it wakes; nobody has noticed."""
    system.world.pause("node-1")
    count_to(system, 3)
    assert not counted()
    system.run_for("1s")
    system.world.resume("node-1")
    system.run_for("1s")

    assert counted() == [1, 2, 3]
    assert not ends()


def test_a_machine_sleeps_for_too_long(system: ActorSystem) -> None:
    """Another takes its place; when it wakes, it goes on for a moment, and nobody listens."""
    zombie = system.world.kernels()["node-1"]
    system.world.pause("node-1")
    system.run_for("20s")
    assert ends() == {"keeper": Lost("node-1"), "neighbour": Lost("node-1")}
    successor = system.world.kernels()["node-1"]
    system.world.resume("node-1")
    zombie.tell(Ref("watcher"), Terminated(Ref("nobody"), 1, Crash(ValueError("from the grave"))))
    system.run_for("1s")

    assert successor.number != zombie.number
    assert system.world.happened["replaced"] == system.world.happened["woken"] == 1
    assert "nobody" not in ends()


@pytest.mark.parametrize("both_ways", [True, False])
def test_a_cut(system: ActorSystem, both_ways: bool) -> None:
    """What is cut off is given up after a while, and ends before it counts as dead; then it is replaced."""
    before = system.world.kernels()["node-1"]
    system.world.fabric.cut(["node-0"], ["node-1"], both_ways=both_ways)
    system.run_for("1s")
    assert not ends()
    system.run_for("15s")
    assert ends() == {"keeper": Lost("node-1"), "neighbour": Lost("node-1")}
    system.world.fabric.heal()
    system.run_for("40s")

    assert system.world.kernels()["node-1"] is not before
    facts(system)


def test_a_hang_ends_its_node(system: ActorSystem) -> None:
    """Its watchers learn what hung, and for how long; those beside it are lost."""
    system.hang(Ref("keeper"))
    system.tell(Ref("keeper"), Count(1))
    system.run_for("1900ms")
    assert not ends()
    system.run_for("200ms")

    assert ends() == {"keeper": Hung("Count", 2.0), "neighbour": Lost("node-1")}
    system.run_for("2s")
    facts(system)


def test_a_hang_that_nobody_looks_at(system: ActorSystem) -> None:
    """Without `hang_after`, or with a long one, its node says why it ends before it is lost for its silence."""
    system.hang(Ref("neighbour"))
    system.tell(Ref("neighbour"), Count(1))
    system.run_for("7s")

    assert ends() == {"keeper": Lost("node-1"), "neighbour": Hung("Count", 4.0)}


@pytest.mark.parametrize("name", ["loss", "duplication", "reorder", "reset"])
def test_a_bad_network(system: ActorSystem, name: str) -> None:
    """Frames come to harm, and all that was sent arrives once and in order."""
    system.world.fabric.weather = Weather(**{name: 0.3})
    count_to(system, 100)
    system.run_for("2s")
    system.world.fabric.weather = Weather()
    system.run_for("3s")

    assert system.world.fabric.happened[name] > 0
    assert counted() == list(range(1, 101))


def test_a_slow_network(system: ActorSystem) -> None:
    """What is sent takes its time."""
    system.world.fabric.weather = Weather(delay_us=(200_000, 200_000))
    sent_us = system.host.clock.monotonic_us()
    count_to(system, 1)
    system.run_for("1s")

    assert BOOK[-1][1] - sent_us >= 200_000


def test_a_clock_jumps(system: ActorSystem) -> None:
    """Its wall time is wrong from now on; timers are not."""
    before_us = facts(system).now_us
    system.world.jump("node-1", -10_000_000)

    assert facts(system).now_us < before_us


def test_a_slow_disk(system: ActorSystem) -> None:
    """What waits for a sync waits longer; others on the node do not."""
    disk = system.world.disk("node-1")
    assert disk is not None
    disk.sync_us = 500_000
    system.tell(Ref("keeper"), Save(b"slow"))
    count_to(system, 1)
    system.run_for("100ms")
    assert counted() == [1]
    assert BOOK[-1][0] != "saved"
    system.run_for("500ms")

    assert BOOK[-1][0] == "saved"


def test_a_full_disk(system: ActorSystem) -> None:
    """Whoever writes is told so."""
    disk = system.world.disk("node-1")
    assert disk is not None
    disk.capacity_bytes = disk.used_bytes
    system.tell(Ref("keeper"), Save(b"too much"))
    system.run_for("1s")

    assert isinstance(ends()["keeper"].error, DiskFull)


def test_a_lying_disk(system: ActorSystem) -> None:
    """What was said to be durable is gone with the power."""
    disk = system.world.disk("node-1")
    assert disk is not None
    disk.lie_probability, disk.entropy = 1.0, Entropy(1)
    for _ in range(20):
        system.tell(Ref("keeper"), Save(b"x" * 5))
    system.run_for("1s")
    assert [one[0] for one in BOOK].count("saved") == 20
    system.world.crash("node-1", host=True)
    system.run_for("20s")

    assert len(facts(system).saved) < 100


def test_a_storm_is_made_of_all_faults() -> None:
    """Over a few seeds each fault strikes, and so do the rare things that become of them."""
    happened: Counter[str] = Counter()
    faults = ClusterFaults(**dict.fromkeys((one.name for one in fields(ClusterFaults)), 2.0))
    for seed in range(3):
        with silence(), ActorSystem(nodes=3, runtime="simulation", seed=seed) as system:
            found(system, Entropy(seed))
            happened += storm(system, faults, seed=seed, duration="30s")

    every = [*faults.rates(), "unreachable", "replaced", "woken"]
    assert [name for name in every if not happened[name]] == []


def test_a_storm_is_over_when_it_is_over() -> None:
    """All nodes are back, the network is whole, the disks are sound."""
    with silence(), ActorSystem(nodes=3, runtime="simulation", seed=5) as system:
        storm(system, ClusterFaults(zombie=3.0, cut=3.0, loss=3.0, full_disk=3.0, slow_disk=3.0), seed=5)
        disks = [system.world.disk(f"node-{number}") for number in (1, 2, 3)]

        assert sorted(system.nodes) == ["node-0", "node-1", "node-2", "node-3"]
        assert system.world.fabric.weather == Weather()
        assert all(disk is not None and disk.sync_us == 0 and disk.capacity_bytes is None for disk in disks)
        assert not any(system.world.fabric.is_cut("node-0", f"node-{number}") for number in (1, 2, 3))


def test_a_system_without_nodes_meets_what_befalls_actors() -> None:
    """And what needs nodes is refused."""
    with silence(), ActorSystem(runtime="simulation", seed=1) as system:
        system.spawn(Keeper, name="keeper", restarts=100)

        happened = storm(system, ClusterFaults(crash_actor=5.0), seed=1, duration="5s", settle="10s")
        with pytest.raises(RuntimeError, match="nodes"):
            storm(system, ClusterFaults(cut=1.0), seed=1)

        assert happened["crash_actor"] > 0


def test_the_same_seed_gives_the_same_strikes() -> None:
    """And another one others; as many of each as its rate says, on average."""
    faults = ClusterFaults.all()

    plans = [strikes(faults, Entropy(seed), 1_000_000) for seed in (1, 1, *range(2, 200))]

    assert plans[0] == plans[1] != plans[2]
    struck = Counter(strike.fault for plan in plans for strike in plan)
    assert all(0.7 * rate < struck[name] / len(plans) < 1.3 * rate for name, rate in faults.rates().items())


def test_hung_actor_of_this_process_ends_alone() -> None:
    """The process of the program is not ended for it."""
    BOOK.clear()
    with silence(), ActorSystem(nodes=1, runtime="simulation", seed=1) as system:
        system.spawn(Keeper, name="keeper", hang_after="1s")
        system.spawn(Watcher, ["keeper"], name="watcher")
        system.hang(Ref("keeper"))
        system.tell(Ref("keeper"), Count(1))
        system.run_for("2s")

        assert ends() == {"keeper": Hung("Count", 1.0)}


class Late(Actor):
    """Cancels a timer that should have rung while its node stood still."""

    def started(self, context: Context) -> None:
        context.schedule("1s", Count(1))
        self.other = context.schedule("1001ms", Count(2))

    @receives(Count)
    def on_count(self, count: Count, context: Context) -> None:
        BOOK.append((count.number, 0))
        self.other.cancel()


def test_what_was_cancelled_does_not_happen_when_a_node_goes_on(system: ActorSystem) -> None:
    """Two timers were due while it slept, and the first takes back the second."""
    system.spawn(Late, name="late", node="node-1")
    system.run_for("500ms")
    system.world.pause("node-1")
    system.run_for("2s")
    system.world.resume("node-1")
    system.run_for("1s")

    assert counted() == [1]
