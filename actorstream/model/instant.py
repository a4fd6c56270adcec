"""Points in time: aware datetimes at the surface, integer microseconds since 1970-01-01 UTC inside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

Instant = int
"""Microseconds since 1970-01-01T00:00:00Z."""

END_OF_TIME: Instant = 2**62
"""A watermark after which no record can come: the input has ended."""

START_OF_TIME: Instant = -(2**62)
"""The watermark before the first record."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_MAX_US = (datetime.max.replace(tzinfo=UTC) - EPOCH) // _US
_MIN_US = (datetime.min.replace(tzinfo=UTC) - EPOCH) // _US


def to_instant(value: Any) -> Instant:
    """The instant of a datetime (a naive one is read as UTC), a date, or a number of microseconds.

    Raises:
        TypeError: anything else.
    """
    if isinstance(value, datetime):
        aware: datetime = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return (aware - EPOCH) // _US
    if isinstance(value, date):
        return (datetime(value.year, value.month, value.day, tzinfo=UTC) - EPOCH) // _US
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError(f"an event time is a datetime, not {type(value).__name__}")


def to_instants(values: Sequence[Any]) -> list[Instant] | None:
    """The instants of aware datetimes, without a call for each; None if something else is among them."""
    try:
        return [(value - EPOCH) // _US for value in values]
    except TypeError:
        return None


def to_datetime(instant: Instant) -> datetime:
    """The aware datetime of an instant, clamped to what a datetime can hold."""
    return EPOCH + timedelta(microseconds=min(max(instant, _MIN_US), _MAX_US))


def show_instant(instant: Instant) -> str:
    """ISO-8601 in UTC with `Z`."""
    if instant >= END_OF_TIME:
        return "the end"
    if instant <= START_OF_TIME:
        return "the start"
    return to_datetime(instant).isoformat().replace("+00:00", "Z")
