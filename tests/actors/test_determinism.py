"""The same seed twice gives the same trace: within a process, and across processes and hash seeds."""

from __future__ import annotations

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Message, Ref, Terminated, one_for_all, receives
from tests.actors.nodes.survival import live
from tests.hashes import printed


class Poke(Message):
    left: int


class Node(Actor):
    """Does a bit of all that an actor can do, by its own chance."""

    strategy = one_for_all(restarts=1_000)

    def __init__(self, depth: int = 0) -> None:
        self.depth = depth
        self.known: list[Ref] = []

    def started(self, context: Context) -> None:
        for _ in range(self.depth):
            child = context.spawn(Node, self.depth - 1, backoff="1ms..10ms", restarts=1_000)
            context.watch(child)
            self.known.append(child)
        context.schedule(context.entropy.below(5_000), Poke(10))

    @receives(Poke)
    def on_poke(self, poke: Poke, context: Context) -> None:
        if context.entropy.chance(0.02):
            raise ValueError
        if poke.left == 0:
            return
        match context.entropy.below(3):
            case 0:
                context.schedule(context.entropy.below(2_000), Poke(poke.left - 1))
            case 1:
                context.background(lambda: poke.left - 1, Poke)
            case _:
                context.send(context.entropy.choice([*self.known, context.self]), Poke(poke.left - 1))

    @receives(Terminated)
    def on_terminated(self, terminated: Terminated, context: Context) -> None:
        context.send(terminated.ref, Poke(3))


def run(seed: int) -> str:
    """The trace of a small world."""
    with ActorSystem(runtime="simulation", seed=seed) as system:
        system.spawn(Node, 3, restarts=1_000)
        system.run(steps_max=3_000)
        system.abandon()
        return str(system.trace)


def test_the_same_seed_gives_the_same_trace() -> None:
    """Within a process, run after run; and another seed another trace."""
    assert run(1) == run(1)
    assert run(1) != run(2)


def test_hash_seeds_do_not_matter() -> None:
    """A new process with another order of hashes gives the same trace."""
    quiet = "import structlog; structlog.configure(processors=[structlog.testing.LogCapture()]);"

    assert printed(f"{quiet} from tests.actors.test_determinism import run; print(run(5))") == [f"{run(5)}\n"]


def test_every_python_gives_the_same_trace() -> None:
    """The suite runs on each; whoever changes what a simulation does, on purpose, writes down what comes out now."""
    assert run(5) == "373 steps, crc c29841ee"


@pytest.mark.parametrize(("seed", "crc"), [(0, "97af4937"), (1, "e604546c"), (2, "8b1e51b2")])
def test_every_python_gives_the_same_trace_of_a_storm_over_nodes(seed: int, crc: str) -> None:
    """As above, with everything that nodes say to each other, and all that befalls them."""
    assert f"{live(seed)[1]:08x}" == crc
