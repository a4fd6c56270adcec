"""Push `where` towards the source, so that fewer records are worked on.

Before: source → with_columns → where → sink. After: source → where → with_columns → sink.

It goes in front of

- a `select` or `with_columns` that leaves all fields of its condition as they are, in name, type and value;
- a `union`, once for each of the streams: what is dropped does not cross to another task.

Where a failure policy goes on without a record, it stays: which records fail would be others.

It stays behind another `where`, because its condition may be one that fails on what that one drops; behind Python
functions, which may change or look at anything; and where what it reads is read by others, too. It never comes before a
record has moved its partition's watermark, so windows close as they would.
"""

from __future__ import annotations

from dataclasses import replace

from actorstream.streams.plan.expressions import leaves_alone
from actorstream.streams.plan.nodes import Columns, Node, Union
from actorstream.streams.plan.rewrite import kept, readers, rewrite


def push_filters(ends: tuple[Node, ...]) -> tuple[Node, ...]:
    """See the module."""
    while (moved := _push_each_once(ends)) != ends:
        ends = moved
    return ends


def _push_each_once(ends: tuple[Node, ...]) -> tuple[Node, ...]:
    """Each `where` goes in front of the one operator that it reads, if it may."""
    count = readers(ends)

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        if isinstance(node, Columns) and node.operation == "where" and count[node.inputs[0]] == 1:
            return _pushed(node, inputs[0]) if _ends_the_job(node) and _ends_the_job(inputs[0]) else kept(node, inputs)
        return kept(node, inputs)

    return rewrite(ends, change)


def _pushed(where: Columns, before: Node) -> Node:
    if isinstance(before, Columns) and before.operation != "where" and leaves_alone(before, where.expressions[0]):
        return before.with_inputs((_over(where, before.inputs[0], where.name),))
    if isinstance(before, Union):
        names = (f"{where.name}~{place}" if place > 1 else where.name for place in range(1, len(before.inputs) + 1))
        return before.with_inputs(
            tuple(_over(where, one, name) for one, name in zip(before.inputs, names, strict=True))
        )
    return kept(where, (before,))


def _over(where: Columns, before: Node, name: str) -> Node:
    return replace(where, inputs=(before,), type=before.type, name=name)


def _ends_the_job(node: Node) -> bool:
    return isinstance(node, Union) or node.on_error is None or node.on_error.is_plain
