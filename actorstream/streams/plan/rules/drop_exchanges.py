"""Drop an exchange that changes nothing: records that are where their key is at home already.

Before: source ⇒ aggregate by auction ⇒ key_by auction, window. After: source ⇒ aggregate by auction → window.

What aggregates by some fields gives Records of these fields. Where they are keyed by the same fields again, and nothing
but filters lies between, whoever keeps state by that key can run in the task that they come from. The result of a
window has the key of the window; that of a function may have any, so only aggregates count.
"""

from __future__ import annotations

from dataclasses import replace

from actorstream.streams.plan.nodes import (
    Branch,
    Columns,
    Filter,
    KeyBy,
    Node,
    RunningAggregate,
    Split,
    Stateful,
    Tap,
    WindowAggregate,
)
from actorstream.streams.plan.rewrite import kept, rewrite

_FILTERS = (KeyBy, Filter, Tap, Split, Branch)
_AGGREGATES = (WindowAggregate, RunningAggregate)


def drop_exchanges(ends: tuple[Node, ...]) -> tuple[Node, ...]:
    """See the module."""

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        over = kept(node, inputs)
        if isinstance(over, Stateful) and len(over.inputs) == 1 and _is_at_home(over):
            return replace(over, in_place=True)
        return over

    return rewrite(ends, change)


def _is_at_home(node: Stateful) -> bool:
    (key,) = node.inputs
    maker = _maker(key)
    return (
        isinstance(key, KeyBy)
        and isinstance(maker, _AGGREGATES)
        and bool(key.fields)
        and maker.key_names == key.fields
        and isinstance(maker.inputs[0], KeyBy)
        and maker.inputs[0].fields == key.fields
        and maker.parallelism == node.parallelism
    )


def _maker(node: Node) -> Node:
    """What made the values of a stream, if nothing but filters came after."""
    while isinstance(node, _FILTERS) or (isinstance(node, Columns) and node.operation == "where"):
        node = node.inputs[0]
    return node
