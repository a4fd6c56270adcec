"""Whether two outputs of a topic are the same: per key the same sequence, over all the same records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from actorstream.model.record import Record

Keyed = tuple[bytes | None, Any]
"""A record's key and value."""

_OTHER_ORDER = (
    "; all the same records are there, in another order. Where several partitions or streams meet, as in a union, the "
    "order is that of arrival: pass check=fn(inputs, output) to judge the output without it"
)

_RELATIVE = 1e-9  # Floats that differ by less are the same; sums may be made in another order.


def difference(expected: Sequence[Sequence[Keyed]], found: Sequence[Sequence[Keyed]]) -> str | None:
    """What is different, in one line; None if nothing is.

    Args:
        expected, found: for each partition its records in order.
    """
    one, other = _by_key(expected), _by_key(found)
    for key in sorted({*one, *other}, key=lambda key: (key is not None, key or b"")):
        left, right = one.get(key, []), other.get(key, [])
        if key is None:
            left, right = sorted(left, key=repr), sorted(right, key=repr)
        line = _first_difference(left, right)
        if line is not None:
            hint = _OTHER_ORDER if _sorted(left) == _sorted(right) else ""
            return f"key {key!r}: {line}{hint}"
    return None


def _sorted(values: list[Any]) -> list[str]:
    return sorted(map(repr, values))


def _by_key(partitions: Sequence[Sequence[Keyed]]) -> dict[bytes | None, list[Any]]:
    found: dict[bytes | None, list[Any]] = {}
    for records in partitions:
        for key, value in records:
            found.setdefault(key, []).append(value)
    return found


def _first_difference(expected: list[Any], found: list[Any]) -> str | None:
    for place, (one, other) in enumerate(zip(expected, found, strict=False)):
        if not same(one, other):
            return f"record {place} is {other!r}, expected {one!r}"
    if len(expected) == len(found):
        return None
    extra = (expected if len(expected) > len(found) else found)[min(len(expected), len(found))]
    what = "missing" if len(expected) > len(found) else "too much"
    return f"{len(found)} records, expected {len(expected)}; {what}: {extra!r}"


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, floats to 1e-9.

    Example:
        >>> same({"a": 0.1 + 0.2}, {"a": 0.3}), same(1, 2)
        (True, False)
    """
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isclose(one, other, rel_tol=_RELATIVE) or (one != one and other != other)
    if isinstance(one, Record) and type(one) is type(other):
        return same(msgspec.structs.astuple(one), msgspec.structs.astuple(other))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)
