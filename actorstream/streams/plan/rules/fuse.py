"""Fuse chains of row operators into one, which is then compiled into one function over a batch.

Before: source → map → filter → sink. After: source → rows(map → filter) → sink.

A chain ends where its stream is read twice, because then its values are needed as they are in between.

Source: Neumann, "Efficiently compiling efficient query plans for modern hardware" (VLDB 2011).
"""

from __future__ import annotations

from actorstream.streams.plan.nodes import ROW_OPERATORS, Node, RowChain, RowOperator
from actorstream.streams.plan.rewrite import kept, readers, rewrite


def fuse(ends: tuple[Node, ...]) -> tuple[Node, ...]:
    """See the module."""
    count = readers(ends)

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        if not isinstance(node, ROW_OPERATORS):
            return kept(node, inputs)
        before = inputs[0]
        if isinstance(before, RowChain) and count[node.inputs[0]] == 1:
            return _append(before, node)
        return _chain(node, before)

    return rewrite(ends, change)


def _chain(node: RowOperator, before: Node) -> RowChain:
    return RowChain(name=node.name, inputs=(before,), type=node.type, site=node.site, steps=(node,))


def _append(chain: RowChain, node: RowOperator) -> RowChain:
    return RowChain(name=node.name, inputs=chain.inputs, type=node.type, site=node.site, steps=(*chain.steps, node))
