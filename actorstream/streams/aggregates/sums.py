"""`sum` and `mean`.

Sums of floats are exact: the accumulator is an expansion, a few floats whose exact sum is the sum of all values, and
only the result is rounded, once. Source: Shewchuk, "Adaptive precision floating-point arithmetic and fast robust
geometric predicates" (1997), and `math.fsum`.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from actorstream.streams.aggregates.base import Aggregate, Getter
from actorstream.streams.checks import plain_type

_EXACT_MAX = 2**53  # Integers up to here are floats without loss.


class _Sum(Aggregate):
    """Accumulator: [sum of the integers, float, float, ...]."""

    kind = "sum"

    def partial(self, values: Sequence[Any]) -> list[Any]:
        if {*map(type, values)} == {int}:
            return [builtins.sum(values)]
        floats = [value for value in values if isinstance(value, float)]
        if not floats:
            return [builtins.sum(values)]
        whole = builtins.sum([value for value in values if not isinstance(value, float)])
        return [whole, *_expansion(floats)]

    def merge(self, one: list[Any], other: list[Any]) -> list[Any]:
        if len(one) == len(other) == 1:
            return [one[0] + other[0]]
        floats = [*one[1:], *other[1:]]
        return [one[0] + other[0], *(_expansion(floats) if len(floats) > 1 else floats)]

    def result(self, accumulator: list[Any] | None) -> Any:
        if accumulator is None:
            return None
        whole, *floats = accumulator
        if not floats:
            return whole
        return (_exact_sum if abs(whole) <= _EXACT_MAX else _sum_of_fractions)([*floats, whole])

    def accumulator_type(self, field_type: Any) -> Any:
        return list[int | float] if plain_type(field_type) in (bool, int, float) else Any


class _Mean(_Sum):
    """Accumulator: [count, sum of the integers, float, ...]."""

    kind = "mean"

    def partial(self, values: Sequence[Any]) -> list[Any]:
        return [len(values), *super().partial(values)]

    def merge(self, one: list[Any], other: list[Any]) -> list[Any]:
        return [one[0] + other[0], *super().merge(one[1:], other[1:])]

    def result(self, accumulator: list[Any] | None) -> Any:
        if accumulator is None:
            return None
        total = super().result(accumulator[1:])
        try:
            return total / accumulator[0]
        except OverflowError:  # An integer beyond the largest float.
            return math.inf if total > 0 else -math.inf

    def result_type(self, field_type: Any) -> Any:
        return float | None


def _exact_sum(values: Sequence[Any]) -> float:
    """The sum, rounded once; infinite only if a value is, or if it is beyond the largest float itself."""
    try:
        return math.fsum(values)
    except ValueError:  # Infinities of both signs.
        return math.nan
    except OverflowError:  # On the way, perhaps not in the end.
        return _sum_of_fractions(values)


def _sum_of_fractions(values: Sequence[Any]) -> float:
    special: list[float] = [value for value in values if isinstance(value, float) and not math.isfinite(value)]
    if special:
        return builtins.sum(special)
    total = builtins.sum(map(Fraction, values), Fraction())
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def _expansion(values: Sequence[float]) -> list[float]:
    """A few floats whose exact sum is that of `values`, the largest first.

    Each round takes the correctly rounded sum away; what remains is at most half a unit in its last place. So there are
    no more rounds than 53-bit pieces in the range of a float, which is about forty, and nearly always two.
    """
    parts: list[float] = []
    rest = list(values)
    while True:
        part = _exact_sum(rest)
        if part == 0.0 and parts:
            return parts
        parts.append(part)
        if not math.isfinite(part):
            return parts
        rest.append(-part)


def sum(of: Getter) -> Aggregate:  # noqa: A001 - agg.sum is the word users expect
    """The sum of a field, or of a function of the value; None when there is nothing but None. Sums of floats are exact.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> numbers = app.stream([1e100, 1.0, -1e100]).key_by(lambda n: "all", name="key")
        >>> app.collect(numbers.aggregate(it=agg.sum(lambda n: n)))[-1].it
        1.0
    """
    return _Sum(of)


def mean(of: Getter) -> Aggregate:
    """The arithmetic mean of a field, or of a function of the value; None when there is nothing but None.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> numbers = app.stream([1, 2, 6]).key_by(lambda n: "all", name="key")
        >>> app.collect(numbers.aggregate(it=agg.mean(lambda n: n)))[-1].it
        3.0
    """
    return _Mean(of)
