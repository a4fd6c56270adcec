"""`distinct`: how many different values there are, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorstream.streams.aggregates.base import Aggregate, Getter
from actorstream.streams.aggregates.identities import identity


class _Distinct(Aggregate):
    """Accumulator: the identities of the values, as a dict to None."""

    kind = "distinct"
    absorbs = True

    def partial(self, values: Sequence[Any]) -> dict[bytes, None]:
        return dict.fromkeys(map(identity, values))

    def merge(self, one: dict[bytes, None], other: dict[bytes, None]) -> dict[bytes, None]:
        return {**one, **other}

    def absorb(self, one: dict[bytes, None], other: dict[bytes, None]) -> dict[bytes, None]:
        one.update(other)
        return one

    def result(self, accumulator: dict[bytes, None] | None) -> int:
        return 0 if accumulator is None else len(accumulator)

    def result_type(self, field_type: Any) -> Any:
        return int

    def accumulator_type(self, field_type: Any) -> Any:
        return dict[bytes, None]


def distinct(of: Getter) -> Aggregate:
    """How many different values a field, or a function of the value, has; None does not count.

    Numbers that are equal are the same value, 1 and 1.0 too. It keeps every value, so where there may be very many,
    `approx_distinct` is the better choice.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> words = app.stream(["a", "b", "a"]).key_by(lambda word: "all", name="key")
        >>> app.collect(words.aggregate(it=agg.distinct(lambda word: word)))[-1].it
        2
    """
    return _Distinct(of)
