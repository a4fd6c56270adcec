"""The runtimes under which the tests of actors run, and how a test says that it is about some of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

from actorstream.actors import Actor, ActorSystem, Context, Message, Ref, receives
from tests.actors.recorder import Recorder

NODES = 2
SERIAL = itertools.count()


class Spread(ActorSystem):
    """A system whose actors live on any node, unless the test says where; the recorder stays with the test."""

    def spawn(self, actor: type[Actor], *arguments: Any, **options: Any) -> Ref:
        if actor is not Recorder:
            options.setdefault("node", "any")
            options.setdefault("restarts", 5)  # Each by itself: the root of a shared system lives through many tests.
        return super().spawn(actor, *arguments, **options)


ONE_PROCESS: dict[str, Callable[[], ActorSystem]] = {
    "local": lambda: ActorSystem(),
    "simulation": lambda: ActorSystem(runtime="simulation", seed=7),
    "in order": lambda: ActorSystem(runtime="simulation", seed=None),
}

ALL: dict[str, Callable[[], ActorSystem]] = {
    **ONE_PROCESS,
    "simulated nodes": lambda: Spread(NODES, runtime="simulation", seed=7),
    "processes": lambda: Spread(NODES),
}


class Carry(Message):
    """Send `Carried` to `asker` by way of the actor at `via`."""

    via: Ref


class Carried(Message):
    asker: Ref


class Post(Actor, accepts=Carry | Carried):
    """Passes on what it gets."""

    @receives(Carry)
    def on_carry(self, carry: Carry, context: Context) -> None:
        context.send(carry.via, Carried(context.sender))

    @receives(Carried)
    def on_carried(self, carried: Carried, context: Context) -> None:
        context.send(carried.asker, carried)


def clear(system: ActorSystem) -> None:
    """Stop all actors, the youngest first, and wait until they are gone: the next test begins with nobody.

    The next one may give the same names to others, so what the nodes have to tell each other of the old ones is let
    through first.
    """
    stop_all(system)
    posts = [system.spawn(Post, name=f"post-{next(SERIAL)}", node=node) for node in system.nodes[1:]]
    for one in posts:
        for other in posts:
            if one != other:
                system.ask(one, Carry(other))
    stop_all(system)


def stop_all(system: ActorSystem) -> None:
    """Stop all actors, and wait until they are gone."""
    tops = [line.split()[0] for line in system.tree().splitlines() if not line.startswith(" ")]
    for path in reversed(tops):
        system._scheduler.call(lambda path=path: system._kernel.stop(Ref(path)))  # type: ignore[misc]
    while system.tree():
        pass


def tree(system: ActorSystem) -> str:
    """The tree, without saying on which nodes."""
    return re.sub(r"  node=\S+", "", system.tree())
