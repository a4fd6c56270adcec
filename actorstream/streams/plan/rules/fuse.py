"""Fuse chains of row operators into one, which is then compiled into one function over a batch.

Before: source → map → filter → sink. After: source → rows(map → filter) → sink.

A chain ends where its stream is read twice, because then its values are needed as they are in between; and, behind a
`flat_map`, before an operator with a failure policy: that is about one of the values, not about the record they came
from.

Source: Neumann, "Efficiently compiling efficient query plans for modern hardware" (VLDB 2011).
"""

from __future__ import annotations

from actorstream.streams.plan.nodes import ROW_OPERATORS, FlatMap, Node, RowChain, RowOperator
from actorstream.streams.plan.rewrite import kept, readers, rewrite


def fuse(ends: tuple[Node, ...]) -> tuple[Node, ...]:
    """See the module."""
    count = readers(ends)

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        if not isinstance(node, ROW_OPERATORS):
            return kept(node, inputs)
        before = inputs[0]
        if isinstance(before, RowChain) and count[node.inputs[0]] == 1 and _may_join(before, node):
            return _append(before, node)
        return _chain(node, before)

    return rewrite(ends, change)


def _may_join(chain: RowChain, node: RowOperator) -> bool:
    is_plain = node.on_error is None or node.on_error.is_plain
    return is_plain or not any(isinstance(step, FlatMap) for step in chain.steps)


def _chain(node: RowOperator, before: Node) -> RowChain:
    return RowChain(name=node.name, inputs=(before,), type=node.type, site=node.site, steps=(node,))


def _append(chain: RowChain, node: RowOperator) -> RowChain:
    return RowChain(name=node.name, inputs=chain.inputs, type=node.type, site=node.site, steps=(*chain.steps, node))
