"""Folding groups of records with Polars, for aggregates over fields of a columnar batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from actorstream.model.instant import Instant
from actorstream.streams import checks
from actorstream.streams.aggregates import Aggregate
from actorstream.streams.engine.batch import Batch, as_series
from actorstream.streams.engine.grouping import grouped_in_order
from actorstream.streams.plan.nodes import KeyBy

_PANE, _LENGTH, _OWN = "__pane", "__length", "__own"


class Folded(NamedTuple):
    """The groups of a batch: where their pane begins, their key, how many records, their accumulators."""

    panes: list[Instant]
    keys: list[Any]
    lengths: list[int]
    accumulators: list[tuple[Any, ...]]
    last_own: dict[Instant, Instant]  # pane → the highest of its records' own marks


_KEYS = (str, int, bytes, bool, date, datetime)  # Of an Enum or a UUID a column holds something else.
_VALUES = (int, float, str, bytes, date, datetime, time, timedelta)


def can_fold(key: KeyBy, aggregates: Sequence[Aggregate]) -> bool:
    """Whether keys and values are fields whose columns hold them as they are; no functions over rows."""
    fields = [field for one in aggregates for field in one.fields or ()]
    return (
        bool(key.fields)
        and all(one.fields is not None and one.takes != "entries" for one in aggregates)
        and all(checks.plain_type(checks.field_type(key.type, one)) in _KEYS for one in key.fields)
        and all(checks.plain_type(checks.field_type(key.type, one)) in _VALUES for one in fields)
    )


def fold(batch: Batch, pane_us: int, key_fields: Sequence[str], aggregates: Sequence[Aggregate]) -> Folded | None:
    """Panes, keys and accumulators of the groups of a batch; None if a column's type needs the way over rows."""
    import polars

    frame = batch.frame()
    kinds = [_kind(one, frame.schema) for one in aggregates]
    if any(kind is None for kind in kinds) or any(frame.schema[field].is_float() for field in key_fields):
        return None
    panes = (as_series(batch.times) // pane_us).alias(_PANE)
    expressions = [
        _expression(one, kind, f"__{place}") for place, (one, kind) in enumerate(zip(aggregates, kinds, strict=True))
    ]
    flat = [part for parts in expressions for part in parts]
    flat += [polars.len().alias(_LENGTH), polars.col(_OWN).max()]
    grouped = grouped_in_order(frame.with_columns(panes, as_series(batch.own).alias(_OWN)), [_PANE, *key_fields], flat)
    keys = [grouped[field].to_list() for field in key_fields]
    accumulators = [
        _accumulators(one, kind, grouped, f"__{place}")
        for place, (one, kind) in enumerate(zip(aggregates, kinds, strict=True))
    ]
    starts = (grouped[_PANE] * pane_us).to_list()
    last_own: dict[Instant, Instant] = {}
    for pane, own in zip(starts, grouped[_OWN].to_list(), strict=True):
        last_own[pane] = max(own, last_own.get(pane, own))
    return Folded(
        starts,
        keys[0] if len(keys) == 1 else list(zip(*keys, strict=True)),
        grouped[_LENGTH].to_list(),
        list(zip(*accumulators, strict=True)),
        last_own,
    )


def _kind(aggregate: Aggregate, schema: Any) -> str | None:
    """How an aggregate is folded, None if not here.

    "count", "order", "whole" (sums of ints), "values", or "different" (values, each once).
    """
    if aggregate.takes == "count":
        return "count"
    kind = schema[str(aggregate.of)]
    if aggregate.kind in ("min", "max"):
        return "order" if kind.is_numeric() or kind.is_temporal() else None
    if aggregate.kind in ("sum", "mean"):
        return "whole" if kind.is_integer() else "values" if kind.is_float() else None
    if aggregate.kind in ("distinct", "approx_distinct"):
        return None if kind.is_nested() else "different"
    return "values" if aggregate.kind == "quantile" and (kind.is_float() or kind.is_integer()) else None


def _expression(aggregate: Aggregate, kind: str | None, label: str) -> list[Any]:
    import polars

    if kind == "count":
        return []
    column = polars.col(str(aggregate.of))
    if kind == "order":
        return [getattr(column, aggregate.kind)().alias(label)]
    if kind == "whole":
        return [column.cast(polars.Int128).sum().alias(label), column.count().alias(f"{label}n")]
    values = column.drop_nulls()
    return [(values.unique() if kind == "different" else values).alias(label)]


def _accumulators(aggregate: Aggregate, kind: str | None, grouped: Any, label: str) -> list[Any]:
    if kind == "count":
        return list(grouped[_LENGTH].to_list())
    values = grouped[label].to_list()
    if kind == "order":
        return list(values)
    if kind in ("values", "different"):
        return [aggregate.partial(one) if one else None for one in values]
    counts = grouped[f"{label}n"].to_list()
    if aggregate.kind == "mean":
        return [[count, value] if count else None for count, value in zip(counts, values, strict=True)]
    return [[value] if count else None for count, value in zip(counts, values, strict=True)]
