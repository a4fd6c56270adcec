"""Lengths of time, as the actor interface takes them."""

from __future__ import annotations

from datetime import timedelta

from actorstream.model.duration import duration_us

Duration = str | timedelta | int
"""A string such as "250ms", a timedelta, or a number of microseconds."""


def as_us(value: Duration, *, what: str = "a duration") -> int:
    """The length in microseconds.

    Raises:
        ValueError: it cannot be read, or is negative.
    """
    if isinstance(value, int):
        if value < 0:
            raise ValueError(f"{what} is {value}; it cannot be negative")
        return value
    return duration_us(value, what=what, zero=True)
