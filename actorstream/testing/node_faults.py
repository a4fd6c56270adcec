"""What befalls the nodes of a simulated job, and what is to be seen on them."""

from __future__ import annotations

from functools import partial

from actorstream.actors import ActorSystem, Ref
from actorstream.actors.kernel import Failure
from actorstream.actors.nodes.placement import DRIVER
from actorstream.actors.nodes.simulated import World
from actorstream.host import Entropy

LASTS_US = (20_000, 20_000_000)
"""How long a cut lasts, or a machine sleeps, from and to. Half of them are short."""


def world_of(system: ActorSystem) -> World | None:
    """The simulated nodes; None if there are none."""
    try:
        return system.world
    except RuntimeError:
        return None


def all_actors(system: ActorSystem) -> list[Ref]:
    """All actors, on whatever node."""
    world = world_of(system)
    return [*system.actors(), *(world.actors() if world is not None else ())]


def failures_of(system: ActorSystem) -> list[Failure]:
    """The newest failures of actors, on whatever node that runs."""
    world = world_of(system)
    kernels = world.kernels().values() if world is not None else ()
    return [*system.failures, *(failure for kernel in kernels for failure in kernel.failures)]


def strike_node(system: ActorSystem, fault: str, entropy: Entropy) -> None:
    """Let `crash_node`, `cut` or `zombie` befall one of the nodes."""
    world = system.world
    names = list(world.machines)
    name = entropy.choice(names)
    if fault == "crash_node":
        world.crash(name, host=entropy.chance(0.5))
        return
    shortest, longest = LASTS_US
    lasts_us = entropy.between(shortest, longest if entropy.chance(0.5) else longest // 10)
    if fault == "zombie":
        world.pause(name)
        system.simulator.after(lasts_us, partial(world.resume, name))
        return
    others = [DRIVER, *(other for other in names if other != name)]
    world.fabric.cut([name], [entropy.choice(others)] if entropy.chance(0.5) else others)
    system.simulator.after(lasts_us, world.fabric.heal)
