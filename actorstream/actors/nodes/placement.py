"""Where actors go: which node suits, and how an actor's class and arguments get there.

An actor's class travels by name: the node imports its module, or loads the file that it was defined in. So it must
stand at the top level of a module; its arguments are data (or functions and classes that stand at the top level, too).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from actorstream.actors.specification import ChildSpec
from actorstream.actors.wire import Values
from actorstream.actors.wire.links import UNIX
from actorstream.errors import Unsendable
from actorstream.model.tagged import MAIN

ANYWHERE = "any"
"""Any node but the driver; the least used one is taken."""

DRIVER = "node-0"
"""The node of the program that started the system."""


@dataclass(slots=True)
class Node:
    """A node that lives.

    Attributes:
        address: where nodes of its host reach it: a Unix socket on the driver's host, and a port elsewhere.
        public: where nodes of other hosts reach it, if that is elsewhere.
        placed: how many actors live there that this node has put there.
    """

    number: int
    name: str
    address: str
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    placed: int = 0
    public: str = ""

    def address_for(self, other: Node) -> str:
        """Where `other` reaches it.

        Example:
            >>> near, far = Node(1, "node-1", "unix:a", public="tcp:10.0.0.1:2"), Node(2, "beta-1", "tcp:10.0.0.2:3")
            >>> near.address_for(far), far.address_for(near), near.address_for(near)
            ('tcp:10.0.0.1:2', 'tcp:10.0.0.2:3', 'unix:a')
        """
        return self.address if other.address.startswith(UNIX) else self.public or self.address


@dataclass(frozen=True, slots=True)
class Factory:
    """What another node needs to make an actor."""

    module: str
    file: str
    spec: bytes
    frames: list[bytes]


def suits(node: Node, wish: str | Mapping[str, Any]) -> bool:
    """Whether an actor that wishes so may live there: a node's name, "any", or capabilities that it must have.

    Example:
        >>> suits(Node(1, "node-1", "", {"gpu": 1}), {"gpu": 1}), suits(Node(0, "node-0", ""), "any")
        (True, False)
    """
    if isinstance(wish, str):
        return wish == node.name or (wish == ANYWHERE and node.name != DRIVER)
    return all(node.capabilities.get(name) == value for name, value in wish.items())


def choose(nodes: Iterable[Node], wish: str | Mapping[str, Any]) -> Node | None:
    """The node that suits and has the least of ours; of those, the oldest."""
    return min((node for node in nodes if suits(node, wish)), key=lambda node: (node.placed, node.number), default=None)


def factory(spec: ChildSpec) -> Factory:
    """What another node needs to make this child.

    Raises:
        ValueError: another process could not find its class.
        Unsendable: its arguments cannot leave this process.
    """
    actor = spec.actor
    if "<locals>" in actor.__qualname__:
        raise ValueError(
            f"{spec.name}: {actor.__qualname__} is defined inside a function, where another process cannot find it; "
            "move it to the top level of its module"
        )
    module = sys.modules.get(actor.__module__)
    file = getattr(module, "__file__", None) or ""
    if actor.__module__ == MAIN and not file:
        raise ValueError(
            f"{spec.name}: {actor.__qualname__} is defined in a program that has no file, such as a notebook, where "
            "another process cannot find it; write it into a module"
        )
    try:
        data, frames = Values().encode(spec)
    except Unsendable as error:
        raise Unsendable(f"{spec.name} cannot start on another node: {error}") from None
    return Factory(actor.__module__, file, data, [bytes(frame) for frame in frames])
