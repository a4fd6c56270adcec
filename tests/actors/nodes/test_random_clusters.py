"""Trees spread over simulated nodes, under everything that may befall nodes and the network between them.

Each actor writes into one chronicle when an incarnation begins and ends, what it was told, and what it was sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from actorstream.actors import (
    ActorSystem,
    Context,
    ExitReason,
    Message,
    Observe,
    Ref,
    Supervisor,
    Terminated,
    child,
    one_for_all,
    one_for_one,
    receives,
    rest_for_one,
)
from actorstream.host import Entropy, Weather
from actorstream.host.logs import silence

NODES = ("node-1", "node-2", "node-3")
STRATEGIES = {"one_for_one": one_for_one, "one_for_all": one_for_all, "rest_for_one": rest_for_one}


@dataclass
class Chronicle:
    """What happened, in order of virtual time."""

    told: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    heard: dict[tuple[str, int], list[int]] = field(default_factory=dict)  # By sender and incarnation of the receiver.
    up: dict[int, str] = field(default_factory=dict)  # Incarnations that began and have not ended by themselves.
    begun: Counter[str] = field(default_factory=Counter)


CHRONICLE = Chronicle()


class Word(Message):
    """The next of the words that `teller` sends."""

    teller: str
    number: int


class Tick(Message):
    pass


class Member(Supervisor):
    """Watches its siblings' children, talks to the recorder of its system, and has children like itself."""

    def __init__(self, shape: list[Any], strategy: str, friends: list[str]) -> None:
        self.strategy = STRATEGIES[strategy](restarts=50)
        self.children = [
            child(f"n{number}", Member, *inner, node=node, backoff="1ms..20ms")
            for number, (node, *inner) in enumerate(shape)
        ]
        self.friends = list(dict.fromkeys(friends))
        self.number = 0

    def started(self, context: Context) -> None:
        CHRONICLE.up[context.incarnation] = context.path
        CHRONICLE.begun[context.path] += 1
        for friend in self.friends:
            context.watch(Ref(friend))
        context.schedule("50ms", Tick())

    def stopped(self, context: Context, reason: ExitReason) -> None:
        CHRONICLE.up.pop(context.incarnation, None)

    @receives(Tick)
    def on_tick(self, tick: Tick, context: Context) -> None:
        self.number += 1
        for friend in self.friends:
            context.send(Ref(friend), Word(f"{context.path}#{context.incarnation}", self.number))
        context.schedule("50ms", tick)

    @receives(Word)
    def on_word(self, word: Word, context: Context) -> None:
        heard = CHRONICLE.heard.setdefault((word.teller, context.incarnation), [])
        assert not heard or heard[-1] < word.number, "out of order, or twice"
        heard.append(word.number)

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        event = (context.incarnation, ended.ref.path, ended.incarnation)
        CHRONICLE.told[event] += 1
        assert CHRONICLE.told[event] == 1 or ended.incarnation == 0, "told twice"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """No log lines; and a chronicle of its own."""
    CHRONICLE.__init__()  # type: ignore[misc]
    with silence():
        yield


def random_shape(entropy: Entropy, depth: int) -> list[Any]:
    return [
        (
            entropy.choice(("any", "any", None, "node-1")),
            random_shape(entropy, depth - 1) if depth else [],
            entropy.choice(tuple(STRATEGIES)),
            [entropy.choice(("t0", "t1", "t0/n0", "t1/n0", "t0/n1", "t0/n0/n0")) for _ in range(entropy.below(3))],
        )
        for _ in range(entropy.between(1, 3))
    ]


def strike(system: ActorSystem, entropy: Entropy) -> None:
    """Let one thing befall the cluster."""
    world, name = system.world, entropy.choice(NODES)
    match entropy.choice(("crash", "power", "pause", "cut", "weather", "heal", "jump", "actor")):
        case "crash":
            world.crash(name)
        case "power":
            world.crash(name, host=True)
        case "pause":
            if world.pause(name):
                system.run_for(entropy.choice(("50ms", "1s", "20s")))
                world.resume(name)
        case "cut":
            world.fabric.cut([name], [entropy.choice(("node-0", *NODES))], both_ways=entropy.chance(0.5))
        case "weather":
            world.fabric.weather = Weather(
                loss=0.05 * entropy.below(3),
                duplication=0.1 * entropy.below(2),
                reorder=0.1 * entropy.below(2),
                reset=0.02 * entropy.below(2),
            )
        case "heal":
            world.fabric.heal()
        case "jump":
            if name in world.machines:
                world.jump(name, entropy.between(-10_000_000, 10_000_000))
        case "actor":
            actors = system.world.actors() + system.actors()
            if actors:
                system.crash(entropy.choice(actors))


@pytest.mark.parametrize(
    "seed", range(int(__import__("os").environ.get("A", "0")), int(__import__("os").environ.get("B", "30")))
)
def test_a_cluster_comes_back_from_anything(seed: int) -> None:
    """Whatever happens: everybody runs again, each once, and everybody hears of everybody's end once."""
    entropy = Entropy(seed).stream("test")
    with ActorSystem(nodes=3, runtime="simulation", seed=seed) as system:
        for number in range(2):
            shape = random_shape(entropy, 1)
            friends = ["t0/n0", "t1/n0", "t0/n0/n0"]
            system.spawn(
                Member, shape, "one_for_one", friends, name=f"t{number}", node="any", backoff="1ms..20ms", restarts=100
            )
        system.run_for("100ms")
        for _ in range(8):
            strike(system, entropy)
            system.run_for(entropy.choice(("1ms", "20ms", "1s", "7s")))
        system.world.fabric.heal()
        system.world.fabric.weather = Weather()
        system.run_for("40s")

        assert system.failed is None
        assert sorted(system.nodes) == ["node-0", "node-1", "node-2", "node-3"]
        living = [one for one in walk(system) if one["state"] == "running"]
        assert len(living) == len(list(walk(system))), system.tree()
        for one in living:
            seen = system.ask(Ref(one["path"]), Observe())
            assert seen.path == one["path"]
            assert seen.incarnation == one["incarnation"]


def walk(system: ActorSystem) -> Iterator[dict[str, Any]]:
    """All actors of the tree."""
    import json

    def below(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield one
        for each in one["children"]:
            yield from below(each)

    for one in json.loads(system.tree(format="json")):
        yield from below(one)
