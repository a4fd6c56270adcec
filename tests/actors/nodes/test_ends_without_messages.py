"""An actor on a node fails over a message that cannot leave it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actorstream.actors import Actor, ActorSystem, Context, Crash, Message, Ref, Terminated, receives
from actorstream.errors import JobFailed


class Begin(Message):
    """Send yourself something."""


class Inward(Message):
    """What only one process can hold."""

    call: Callable[[], Any]


class Fragile(Actor, accepts=Begin | Inward):
    """Fails over what it has told itself."""

    @receives(Begin)
    def on_begin(self, begin: Begin, context: Context) -> None:
        """Something that has no name elsewhere."""
        context.send(context.self, Inward(lambda: None))

    @receives(Inward)
    def on_inward(self, inward: Inward, context: Context) -> None:
        """That was it."""
        raise JobFailed("so it is")


class Parent(Actor, accepts=Begin | Terminated):
    """Has one child, elsewhere."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def started(self, context: Context) -> None:
        self.child: Ref = context.spawn(Fragile, name="child", restart="temporary", node="node-1")
        context.watch(self.child)

    @receives(Begin)
    def on_begin(self, begin: Begin, context: Context) -> None:
        """Go."""
        context.send(self.child, begin)

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        """Why it ended."""
        self.told.append(ended.reason)

    def observe(self) -> dict[str, Any]:
        return {"told": [str(one.error) for one in self.told if isinstance(one, Crash)]}


def test_its_end_is_told_without_the_message() -> None:
    """Rather than not at all."""
    from actorstream.actors import Observe

    with ActorSystem(nodes=1, runtime="simulation", seed=3) as system:
        parent = system.spawn(Parent, name="parent")
        system.tell(parent, Begin())
        system.run_for("2s")

        observed = system.ask(parent, Observe())
        assert observed.facts == {"told": ["so it is"]}  # type: ignore[attr-defined]
