"""Tell a source which rows matter, so that it can leave out others before they are made.

Before: parquet → where. After: parquet, mostly rows that matter → where.

The `where` stays, because what a source leaves in is its own affair: Parquet can leave out what the file says clearly,
and lines of JSON or CSV have to be read and checked to know what is in them. Only sources without an event time are
told: a record that a filter drops still moves its partition's watermark, so it has to be read. So has one that does not
fit, if a failure policy says what becomes of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actorstream.streams.plan.nodes import Columns, Node, Source
from actorstream.streams.plan.rewrite import kept, rewrite, walk
from actorstream.streams.plan.show import show_expression


def narrow_sources(ends: tuple[Node, ...]) -> tuple[Node, ...]:
    """See the module."""
    by_input: dict[Node, list[Node]] = {}
    for node in walk(ends):
        for before in node.inputs:
            by_input.setdefault(before, []).append(node)

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        if not isinstance(node, Source) or node.event_time is not None or node.topic is not None:
            return kept(node, inputs)
        if node.on_error is not None and not node.on_error.is_plain:
            return node
        return _narrowed(node, _conditions(node, by_input))

    return rewrite(ends, change)


def _conditions(node: Node, by_input: dict[Node, list[Node]]) -> list[Any]:
    """Of the filters that all records of a stream have to pass first."""
    conditions: list[Any] = []
    while len(following := by_input.get(node, [])) == 1:
        (node,) = following
        if not (isinstance(node, Columns) and node.operation == "where" and node.on_error is not None):
            break
        if not node.on_error.is_plain:
            break  # A record that its condition fails on matters, too.
        conditions.append(node.expressions[0])
    return conditions


def _narrowed(source: Source, conditions: list[Any]) -> Source:
    where = getattr(source.connector, "where", None)
    if where is None or not conditions:
        return source
    connector = where(conditions)
    if connector is source.connector:
        return source
    return replace(source, connector=connector, mostly=tuple(map(show_expression, conditions)))
