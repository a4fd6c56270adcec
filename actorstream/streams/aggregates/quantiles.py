"""`quantile`: the value below which a share of all values lies, in a bounded state.

Theory of operation. Up to `_VALUES_MAX` different values are counted one by one, and the answer is exact. Beyond that
values are counted in buckets: each power of two is cut into `_PARTS` equal parts, so that values of a bucket differ by
less than 1 / `_PARTS`, which is 0.8 %. When more than `_BUCKETS_MAX` buckets hold something, each two neighbours become
one, and so on (the level); with 4,096 buckets that happens only to values over more than 32 powers of two. A bucket
remembers its least value, so the answer is always a value that was there.

The level, the buckets and what is in them follow from the values alone: neither their order nor how groups were merged
shows in the answer. Sketches that choose by chance what to keep (KLL, t-digest) give no such promise.

Sources: the buckets, HdrHistogram; halving them, Epicoco et al., "UDDSketch" (2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from actorstream.errors import BadInput, PlanError
from actorstream.streams.aggregates.base import Aggregate, Getter
from actorstream.streams.checks import plain_type
from actorstream.streams.site import user_site

_VALUES_MAX = 1_024
_BUCKETS_MAX = 4_096
_PARTS = 128
_EXACT = -1
_EXPONENT_LEAST = -1_074  # Of the smallest float there is, and one more; so that buckets above zero are above zero.

Counts = list[Any]
"""[level, {value: count}] while exact, else [level, {bucket: [count, least value]}]."""


class _Quantile(Aggregate):
    """Accumulator: `Counts`, or None where there was nothing but not-a-number."""

    kind = "quantile"
    absorbs = True

    def __init__(self, of: Getter, q: float) -> None:
        super().__init__(of)
        if isinstance(q, bool) or not isinstance(q, int | float) or not 0 <= q <= 1:
            raise PlanError(f"agg.quantile(..., {q!r}) at {user_site()}: give a share from 0 to 1; the median is 0.5")
        self._q = q
        self._share = Fraction(str(q))  # What was written: 0.07, not the float that is nearest to it.

    def partial(self, values: Sequence[Any]) -> Counts | None:
        counts: dict[Any, int] = {}
        for value in values:
            if value == value:
                counts[_number(value)] = counts.get(value, 0) + 1
        return _bounded([_EXACT, counts]) if counts else None

    def merge(self, one: Counts | None, other: Counts | None) -> Counts | None:
        if one is None or other is None:
            return other if one is None else one
        return self._into([one[0], _copied(one)], other)

    def absorb(self, one: Counts | None, other: Counts | None) -> Counts | None:
        if one is None or other is None:
            return other if one is None else one
        return self._into(one, other)

    def _into(self, one: Counts, other: Counts) -> Counts:
        level = max(_checked(one)[0], _checked(other)[0])
        one, other = _at(one, level), _at(other, level)
        if level == _EXACT:
            for value, count in other[1].items():
                one[1][value] = one[1].get(value, 0) + count
        else:
            for bucket, (count, least) in other[1].items():
                _count(one[1], bucket, count, least)
        return _bounded(one)

    def result(self, accumulator: Counts | None) -> Any:
        if accumulator is None:
            return None
        level, counts = _checked(accumulator)
        pairs = [(value, [count, value]) for value, count in counts.items()] if level == _EXACT else counts.items()
        ordered = [content for _, content in sorted(pairs, key=lambda pair: pair[0])]
        left = max(1, math.ceil(self._share * sum(count for count, _ in ordered)))
        for count, least in ordered:
            left -= count
            if left <= 0:
                return least
        raise AssertionError("a share of at most 1 lies within the values")

    def problem(self, field_type: Any) -> str | None:
        kind = plain_type(field_type)
        if isinstance(kind, type) and issubclass(kind, str | bytes | bool | date | time | timedelta | list | dict):
            return f"quantiles are of numbers, and the field holds {kind.__name__}"
        return None

    def accumulator_type(self, field_type: Any) -> Any:
        return Any

    def __str__(self) -> str:
        return f"quantile({self.of if isinstance(self.of, str) else 'function'}, {self._q})"


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(f"quantiles are of numbers, not of {type(value).__name__}")
    return value


def _bounded(counts: Counts) -> Counts:
    """The same, at the first level at which there are few enough."""
    while len(counts[1]) > (_VALUES_MAX if counts[0] == _EXACT else _BUCKETS_MAX):
        counts = _at(counts, counts[0] + 1)
    return counts


def _at(counts: Counts, level: int) -> Counts:
    """The same, at a level that is not below its own."""
    own, content = counts
    if own == level:
        return counts
    buckets: dict[int, list[Any]] = {}
    if own == _EXACT:
        for value, count in content.items():
            _count(buckets, _bucket(value) >> level, count, value)
    else:
        for bucket, (count, least) in content.items():
            _count(buckets, bucket >> (level - own), count, least)
    return [level, buckets]


def _count(buckets: dict[int, list[Any]], bucket: int, count: int, least: Any) -> None:
    known = buckets.get(bucket)
    if known is None:
        buckets[bucket] = [count, least]
    else:
        known[0] += count
        known[1] = min(known[1], least)


def _copied(counts: Counts) -> dict[Any, Any]:
    if counts[0] == _EXACT:
        return dict(counts[1])
    return {bucket: list(content) for bucket, content in counts[1].items()}


def _bucket(value: Any) -> int:
    """The bucket of a number at level 0; larger numbers have no lower ones."""
    if value == 0:
        return 0
    magnitude = _bucket_of(abs(value))
    return magnitude if value > 0 else -magnitude


def _bucket_of(value: Any) -> int:
    try:
        found = float(value)
    except OverflowError:  # An integer beyond the largest float counts as infinite.
        found = math.inf
    if math.isinf(found):
        return (1_025 - _EXPONENT_LEAST) * _PARTS
    fraction, exponent = math.frexp(found)
    return (exponent - _EXPONENT_LEAST) * _PARTS + int((2 * fraction - 1) * _PARTS) + 1


def _checked(counts: Counts) -> Counts:
    """The counts of a state, if they can be."""
    if len(counts) != 2 or not isinstance(counts[0], int) or not isinstance(counts[1], dict) or not counts[1]:
        raise BadInput("the state of agg.quantile is damaged: it is no level with counts")
    return counts


def quantile(of: Getter, q: float) -> Aggregate:
    """The least value of a field, or of a function of the value, such that a share `q` of all values is not above it.

    The median is `quantile(of, 0.5)`; `quantile(of, 0)` is the least, `quantile(of, 1)` about the largest. It is always
    one of the values. Exact up to 1,024 different values; beyond that it is less than 0.8 % below the exact one, as
    long as the values span no more than 32 powers of two; each further doubling of the span doubles the error. None and
    not-a-number do not count; None when nothing is left.

    Args:
        of: a field of numbers, or a function that gives them.
        q: the share, from 0 to 1.

    Raises:
        PlanError: `q` is no such share, or the field holds no numbers.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> numbers = app.stream([4, 1, 100, 2, 3]).key_by(lambda n: "all", name="key")
        >>> app.collect(numbers.aggregate(it=agg.quantile(lambda n: n, 0.5)))[-1].it
        3
    """
    return _Quantile(of, q)
