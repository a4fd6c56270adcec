"""Rebuild a plan bottom-up, each node once, so that what was shared stays shared."""

from __future__ import annotations

from collections.abc import Callable

from actorstream.streams.plan.nodes import Node, walk

__all__ = ["rewrite", "walk"]


def rewrite(ends: tuple[Node, ...], change: Callable[[Node, tuple[Node, ...]], Node]) -> tuple[Node, ...]:
    """The plan with each node replaced by `change(node, its new inputs)`.

    A node whose inputs did not change and that `change` gives back as it was stays the same object.
    """
    new: dict[Node, Node] = {}
    for node in walk(ends):
        new[node] = change(node, tuple(new[one] for one in node.inputs))
    return tuple(new[end] for end in ends)
