"""`top`: the records that are largest by something."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from actorstream.errors import PlanError
from actorstream.streams.aggregates.base import Aggregate, Getter, Takes
from actorstream.streams.aggregates.in_order import ORDER
from actorstream.streams.site import user_site

TOP_MAX = 100_000
"""Records that one `top` may hold for a key and window."""

Ranked = tuple[int, int, int, str, Any, Any]  # An entry's order, what it is ranked by, the record.

_RANK = itemgetter(4)


class _Top(Aggregate):
    """Accumulator: at most n ranked records, the largest first; the earlier one first where they are equal."""

    kind = "top"
    takes: Takes = "ranked"

    def __init__(self, n: int, by: Getter) -> None:
        super().__init__(by)
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= TOP_MAX:
            raise PlanError(f"agg.top({n!r}, ...) at {user_site()}: give a number of records from 1 to {TOP_MAX:,}")
        self._n = n

    def partial(self, values: Sequence[Ranked]) -> list[Ranked]:
        if len(values) == 1:
            return list(values)
        chosen = sorted(values, key=ORDER)
        chosen.sort(key=_RANK, reverse=True)  # Stable, also in reverse.
        return chosen[: self._n]

    def merge(self, one: list[Ranked], other: list[Ranked]) -> list[Ranked]:
        return self.partial([*one, *other])

    def result(self, accumulator: list[Ranked] | None) -> list[Any] | None:
        return None if accumulator is None else [ranked[5] for ranked in accumulator]

    def result_type(self, field_type: Any) -> Any:
        return list[field_type] | None

    def accumulator_type(self, field_type: Any) -> Any:
        return Any  # What records are ranked by may be of any type.

    def __str__(self) -> str:
        return f"top({self._n}, {self.of if isinstance(self.of, str) else 'function'})"


def top(n: int, by: Getter) -> Aggregate:
    """The n whole values that are largest by a field or a function of the value, as a list, the largest first.

    Of equal ones the earlier one comes first: by event time, then partition, then offset. Values for which `by` is None
    or not a number (NaN) are left out; None when nothing is left.

    Raises:
        PlanError: n is not a number from 1 to `TOP_MAX`.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> words = app.stream(["pear", "fig", "banana", "kiwi"]).key_by(lambda word: "all", name="key")
        >>> app.collect(words.aggregate(it=agg.top(2, by=len)))[-1].it
        ['banana', 'pear']
    """
    return _Top(n, by)
