"""Choose how windows are joined: over columns, where nothing of a pair needs Python.

Before: window join, by rows. After: window join, over columns.

A join that fills a Record type needs no function for a pair. If its key is fields, and all that it takes from either
side has a column type, both sides are kept as columns, and Polars joins all windows that are due at once. Windows whose
bounds depend on the records, and those that correct or change what they gave, are joined by rows.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import msgspec

from actorstream.model.record import is_record_type
from actorstream.streams import checks
from actorstream.streams.plan.joins import WindowJoin
from actorstream.streams.plan.nodes import KeyBy, Node
from actorstream.streams.plan.rewrite import kept, rewrite
from actorstream.streams.windows import WindowSpec

_KEYS = (str, int, bytes, bool, date, datetime)  # Of an Enum or a UUID a column holds something else.


def choose_joins(ends: tuple[Node, ...]) -> tuple[Node, ...]:
    """See the module."""

    def change(node: Node, inputs: tuple[Node, ...]) -> Node:
        over = kept(node, inputs)
        return replace(over, over_columns=True) if isinstance(over, WindowJoin) and _fits_columns(over) else over

    return rewrite(ends, change)


def _fits_columns(join: WindowJoin) -> bool:
    return (
        isinstance(join.window, WindowSpec)
        and join.emit == "close"
        and not join.allowed_lateness_us
        and _is_filled(join)
        and _have_like_keys(join)
        and _have_columns(join)
    )


def _is_filled(join: WindowJoin) -> bool:
    """Whether the join has a Record type whose every field comes from a side, none from its default."""
    if join.fields is None or not is_record_type(join.type):
        return False
    return [one.name for one in join.fields] == [one.name for one in msgspec.structs.fields(join.type)]


def _have_like_keys(join: WindowJoin) -> bool:
    """Whether both sides are keyed by fields of the same types, whose columns hold the keys as they are."""
    left, right = join.inputs
    assert isinstance(left, KeyBy)
    assert isinstance(right, KeyBy)
    of_left = [checks.plain_type(checks.field_type(join.left_type, field)) for field in left.fields]
    of_right = [checks.plain_type(checks.field_type(join.right_type, field)) for field in right.fields]
    return bool(of_left) and of_left == of_right and all(kind in _KEYS for kind in of_left)


def _have_columns(join: WindowJoin) -> bool:
    """Whether what the join takes from its sides has a column type."""
    from actorstream.streams.frames import polars_schema

    for side, kind in enumerate((join.left_type, join.right_type)):
        columns = polars_schema(kind)
        for field in join.columns_of(side):
            of_column, of_field = columns[field].base_type().__name__, checks.plain_type(checks.field_type(kind, field))
            if of_column == "Object" or (of_column == "Float64" and of_field is not float):  # Of ints it makes floats.
                return False
    return True
