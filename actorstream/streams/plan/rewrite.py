"""Rebuild a plan bottom-up, each node once, so that what was shared stays shared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from actorstream.streams.plan.nodes import Node, walk

__all__ = ["kept", "readers", "rewrite", "walk"]


def rewrite(ends: tuple[Node, ...], change: Callable[[Node, tuple[Node, ...]], Node]) -> tuple[Node, ...]:
    """The plan with each node replaced by `change(node, its new inputs)`.

    A node whose inputs did not change and that `change` gives back as it was stays the same object.
    """
    new: dict[Node, Node] = {}
    for node in walk(ends):
        new[node] = change(node, tuple(new[one] for one in node.inputs))
    return tuple(new[end] for end in ends)


def kept(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The node over these inputs: itself, if they are its own."""
    return node if inputs == node.inputs else node.with_inputs(inputs)


def readers(ends: tuple[Node, ...]) -> Counter[Node]:
    """How many inputs each node is."""
    return Counter(one for node in walk(ends) for one in node.inputs)
