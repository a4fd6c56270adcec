"""What an aggregate is given of each record of a batch."""

from __future__ import annotations

from itertools import repeat
from typing import Any

from actorstream.streams.aggregates import Aggregate
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.fields import values_of


def inputs_of(operator: str, aggregate: Aggregate, batch: Batch, values: list[Any] | None = None) -> list[Any] | None:
    """For each record what the aggregate takes, None for those that do not count; None if it only counts them.

    Args:
        values: what its field or function gives for each record, where that is known.

    Raises:
        OperatorError: the aggregate's function failed, or a record has no such field.
    """
    if aggregate.takes == "count":
        return None
    if aggregate.takes == "records":
        return batch.rows()
    assert aggregate.of is not None
    if values is None:
        values = values_of(operator, aggregate.of, batch)
    if aggregate.takes == "values":
        return values
    if aggregate.takes == "entries":
        return [None if entry[4] is None else entry for entry in zip(*_order(batch), values, strict=False)]
    ranked = zip(*_order(batch), values, batch.rows(), strict=False)
    return [None if one[4] is None or one[4] != one[4] else one for one in ranked]


def _order(batch: Batch) -> tuple[Any, ...]:
    """Event times, partitions, offsets and sources: the order of records, whatever the order in which they came.

    What an operator made has no offsets, and streams that no time is asked of have no times: then, and where all else
    is equal, it is the order in which they came.
    """
    times = repeat(0) if batch.times is None else as_list(batch.times)
    offsets = repeat(0) if batch.offsets is None else as_list(batch.offsets)
    return times, repeat(batch.origin.partition), offsets, repeat(batch.origin.source)
