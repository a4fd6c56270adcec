"""What parents and children know of each other: both may live on other nodes."""

from __future__ import annotations

from typing import Protocol

from actorstream.actors.message import ExitReason
from actorstream.actors.ref import Ref
from actorstream.actors.specification import ChildSpec
from actorstream.actors.state import State


class Parent(Protocol):
    """Whoever supervises an actor."""

    @property
    def ref(self) -> Ref:
        """Its ref."""
        ...

    def report_end(self, name: str, reason: ExitReason) -> None:
        """An incarnation of its child `name` ended."""
        ...

    def request_stop(self, name: str) -> None:
        """Somebody wants its child `name` to stop for good."""
        ...


class Child(Protocol):
    """Whoever is supervised.

    Attributes:
        spec: how it is made.
        path: where it is in the tree.
        ref: its logical ref.
        state: where it is in its life.
        incarnation: the present one, or the last.
    """

    spec: ChildSpec
    path: str
    ref: Ref
    state: State
    incarnation: int

    @property
    def node_name(self) -> str:
        """The name of the node where it lives; "" if it is this one."""
        ...

    @property
    def shown_state(self) -> str:
        """Its state, for people."""
        ...

    @property
    def why(self) -> str:
        """Why it does not run, for people; "" if it does."""
        ...

    @property
    def restarts(self) -> int:
        """How many incarnations followed the first."""
        ...

    def start(self) -> None:
        """Begin the next incarnation."""
        ...

    def tell_to_stop(self) -> None:
        """End this incarnation, soon; the parent is told when it has ended."""
        ...

    def kill(self) -> None:
        """End at once, and for good, with all that is below it: no hook is called, and the parent is not told."""
        ...

    def suspend(self) -> None:
        """It has ended, and waits for its next start."""
        ...

    def remove(self) -> None:
        """It has ended, and never starts again."""
        ...
