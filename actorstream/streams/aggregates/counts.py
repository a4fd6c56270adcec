"""`count`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorstream.streams.aggregates.base import Aggregate, Takes


class _Count(Aggregate):
    kind = "count"
    takes: Takes = "count"

    def partial(self, values: Sequence[Any]) -> int:
        return len(values)

    def merge(self, one: int, other: int) -> int:
        return one + other

    def result(self, accumulator: int | None) -> int:
        return accumulator or 0

    def result_type(self, field_type: Any) -> Any:
        return int

    def accumulator_type(self, field_type: Any) -> Any:
        return int


def count() -> Aggregate:
    """How many records there are, whatever is in them.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> numbers = app.stream([1, 2, 4]).key_by(lambda n: "all", name="key")
        >>> app.collect(numbers.aggregate(it=agg.count()))[-1].it
        3
    """
    return _Count(None)
