"""Read only the columns that somebody needs, from sources that can give columns.

Before: parquet → select a. After: parquet, only the column a → select a.

A source that can give frames is opened for columns when every reader of it starts with a column operator; then only the
columns that anything downstream reads are asked for. Of a line of JSON or CSV then only these fields are decoded and
checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from actorstream.model.record import field_names, is_record_type
from actorstream.streams.aggregates import Aggregate
from actorstream.streams.plan.joins import WindowJoin
from actorstream.streams.plan.nodes import Columns, KeyBy, MapBatches, Node, Source, Union, WindowAggregate
from actorstream.streams.plan.rewrite import kept, rewrite, walk

_Columns = frozenset[str] | None  # None: all of them


def prune_columns(ends: tuple[Node, ...]) -> tuple[Node, ...]:
    """See the module."""
    readers: dict[Node, list[Node]] = {}
    for node in walk(ends):
        for before in node.inputs:
            readers.setdefault(before, []).append(node)

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        columns = _columns(node, readers) if isinstance(node, Source) else None
        return kept(node, inputs) if columns is None else replace(node, columns=columns)  # type: ignore[call-arg]

    return rewrite(ends, change)


def _columns(source: Source, readers: dict[Node, list[Node]]) -> tuple[str, ...] | None:
    """The columns to open `source` with, or None to open it for rows."""
    direct = readers.get(source, [])
    columnar = getattr(source.connector, "columnar", False) and is_record_type(source.type)
    if not columnar or not direct or not all(_works_on_columns(one, readers) for one in direct):
        return None
    if source.event_time is not None and not isinstance(source.event_time, str):
        return None
    wanted = _joined(_needed(one, readers) for one in direct)
    if wanted is not None and source.event_time is not None:
        wanted |= {str(source.event_time)}
    names = field_names(source.type)
    # A frame without columns would have no rows, so one is read where none is needed.
    return tuple(name for name in names if wanted is None or name in wanted) or names[:1]


def _works_on_columns(node: Node, readers: dict[Node, list[Node]]) -> bool:
    if isinstance(node, KeyBy):
        return bool(node.fields) and all(_folds_columns(one) for one in readers.get(node, []))
    if isinstance(node, Union):
        return all(_works_on_columns(one, readers) for one in readers.get(node, []))
    return isinstance(node, Columns | MapBatches)


def _folds_columns(node: Node) -> bool:
    if isinstance(node, WindowJoin):
        return node.over_columns
    return isinstance(node, WindowAggregate) and all(one.fields is not None for _, one in node.aggregates)


def _needed(node: Node, readers: dict[Node, list[Node]]) -> _Columns:
    """The columns of its input that a reader and all after it need; a dead letter has the whole record."""
    if node.on_error is not None and not node.on_error.is_plain:
        return None
    if isinstance(node, WindowAggregate):
        return None if _late_is_read(node, readers) else _fields(one for _, one in node.aggregates)
    if isinstance(node, Union):
        return _after(node, readers)
    if isinstance(node, KeyBy) and node.fields:
        return _plus(_after(node, readers), node.fields)
    if isinstance(node, Columns) and node.operation == "select":
        return frozenset(_roots(node))
    if isinstance(node, Columns):
        return _plus(_after(node, readers), _roots(node))
    return None


def _after(node: Node, readers: dict[Node, list[Node]]) -> _Columns:
    after = readers.get(node, [])
    if not after:
        return None
    return _joined(
        _of_side(one, node, readers) if isinstance(one, WindowJoin) else _needed(one, readers) for one in after
    )


def _of_side(join: WindowJoin, key: Node, readers: dict[Node, list[Node]]) -> _Columns:
    """The columns that a join over columns keeps of one of its inputs; the same may be both."""
    if not join.over_columns or _late_is_read(join, readers):
        return None
    return frozenset(field for side, one in enumerate(join.inputs) if one is key for field in join.columns_of(side))


def _late_is_read(node: Node, readers: dict[Node, list[Node]]) -> bool:
    return any(one.kind == "late" for one in readers.get(node, []))


def _fields(aggregates: Iterable[Aggregate]) -> _Columns:
    names: set[str] = set()
    for one in aggregates:
        if one.fields is None:
            return None
        names.update(one.fields)
    return frozenset(names)


def _roots(node: Columns) -> list[str]:
    return [name for expression in node.expressions for name in _root_names(expression)]


def _root_names(expression: Any) -> list[str]:
    return list(expression.meta.root_names())


def _plus(columns: _Columns, names: Iterable[str]) -> _Columns:
    return None if columns is None else columns | frozenset(names)


def _joined(every: Iterable[_Columns]) -> _Columns:
    joined: frozenset[str] = frozenset()
    for one in every:
        if one is None:
            return None
        joined |= one
    return joined
