"""A child ends on a node that dies just then; the next one begins there before anybody knows, and is lost."""

from __future__ import annotations

from typing import Any

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Lost, Message, Observe, Terminated, receives


class Fail(Message):
    """Fail."""


class Again(Message):
    """Begin anew."""


class Fragile(Actor, accepts=Fail):
    """Fails when it is told to."""

    @receives(Fail)
    def on_fail(self, fail: Fail, context: Context) -> None:
        """As told."""
        raise RuntimeError("as told")


class Parent(Actor, accepts=Fail | Again | Terminated):
    """Has one child on node 1, which it watches, and starts again 50 ms after it has ended."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def started(self, context: Context) -> None:
        self._begin(context)

    def _begin(self, context: Context) -> None:
        self.child = context.spawn(Fragile, name="child", restart="temporary", node="node-1")
        context.watch(self.child)

    @receives(Fail)
    def on_fail(self, fail: Fail, context: Context) -> None:
        """Pass it on."""
        context.send(self.child, fail)

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        """Once for each life."""
        self.told.append(type(ended.reason).__name__)
        context.schedule("50ms", Again())

    @receives(Again)
    def on_again(self, again: Again, context: Context) -> None:
        """The next life."""
        self._begin(context)

    def observe(self) -> dict[str, Any]:
        return {"told": self.told}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("steps", range(0, 6, 2))
def test_the_end_of_each_life_is_told(seed: int, steps: int) -> None:
    """Also of one that never came to life."""
    with ActorSystem(nodes=2, runtime="simulation", seed=seed) as system:
        parent = system.spawn(Parent, name="parent")
        system.run_for("1s")
        system.tell(parent, Fail())
        told = lambda: system.ask(parent, Observe()).facts["told"]  # type: ignore[attr-defined]  # noqa: E731
        while not told():
            system.run(steps_max=1)
        system.run(steps_max=steps)
        system.world.crash("node-1", host=True)
        system.run_for("30s")

        assert told() == ["Crash", Lost.__name__]
