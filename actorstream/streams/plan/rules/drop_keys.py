"""Drop keys that nobody reads.

Before: source → key_by a → where → key_by b → aggregate. After: source → where → key_by b → aggregate.

A key matters to an operator that keeps state and to a topic, and only if the `key_by` is the very stream that they
read; every other operator sees the values alone. One with a failure policy stays: it may drop records.
"""

from __future__ import annotations

from actorstream.streams.plan.nodes import KeyBy, Late, Node, Stateful, ToTopic
from actorstream.streams.plan.rewrite import kept, rewrite


def drop_keys(ends: tuple[Node, ...]) -> tuple[Node, ...]:
    """See the module."""
    return rewrite(ends, _over_values)


def _over_values(node: Node, inputs: tuple[Node, ...]) -> Node:
    if isinstance(node, Stateful | ToTopic | Late):
        return kept(node, inputs)
    return kept(node, tuple(_values(one) for one in inputs))


def _values(node: Node) -> Node:
    if not isinstance(node, KeyBy) or (node.on_error is not None and not node.on_error.is_plain):
        return node
    return _values(node.inputs[0])
