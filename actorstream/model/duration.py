"""Durations as people write them, and as integer microseconds inside."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

from actorstream.errors import Mistake

EXAMPLES = '"250ms", "10s", "5m", "1h", "2d"'

_UNITS_US = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_PATTERN = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)(ms|s|m|h|d)")
_MAX_US = 1_000_000 * 86_400_000_000  # a million days; beyond it a time would not fit a datetime


class BadDuration(Mistake, ValueError):
    """A duration that cannot be read."""


def duration_us(value: str | timedelta, *, what: str = "a duration", zero: bool = False) -> int:
    """The length of `value` in microseconds.

    Args:
        value: a number with one of the units ms, s, m, h, d, or a timedelta.
        what: what it is for; the error names it.
        zero: whether a length of zero makes sense here.

    Raises:
        BadDuration: (a ValueError) anything else, and lengths that make no sense.

    Example:
        >>> duration_us("250ms")
        250000
    """
    length = _read_us(value)
    if length is None or length < 0 or (length == 0 and not zero) or length > _MAX_US:
        raise BadDuration(f"{what} is {value!r}; write it as one of {EXAMPLES}")
    return length


def _read_us(value: object) -> int | None:
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    found = _PATTERN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    return int((Decimal(found[1]) * _UNITS_US[found[2]]).to_integral_value())  # A float would be off beyond 2^53.


def show_us(length: int) -> str:
    """A length in microseconds as a person would write it.

    Example:
        >>> show_us(90_000_000), show_us(3_600_000_000)
        ('90s', '1h')
    """
    for unit in ("d", "h", "m", "s", "ms"):
        if length and length % _UNITS_US[unit] == 0:
            return f"{length // _UNITS_US[unit]}{unit}"
    return f"{length / 1000:g}ms"
