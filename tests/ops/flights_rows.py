"""The demo's results as rows that can be compared with a query's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actorstream.model.instant import to_instant
from actorstream.ops.demo import job


def day_row(day: job.Day) -> tuple[Any, ...]:
    return (
        day.origin,
        to_instant(day.start),
        day.flights,
        day.cancelled,
        day.mean_delay,
        day.worst_delay,
        day.wind,
        day.visibility,
    )


def carrier_row(one: job.CarrierHours) -> tuple[Any, ...]:
    return one.carrier, to_instant(one.end), one.departed, one.late, one.share


def alert_row(one: job.Alert) -> tuple[Any, ...]:
    return one.origin, to_instant(one.start), one.departed, one.mean_delay


def assert_same(found: Iterable[tuple[Any, ...]], wanted: list[tuple[Any, ...]]) -> None:
    """The same rows by time and key; floats to 1e-9, everything else exactly."""
    rows = sorted(found, key=lambda row: (row[1], row[0]))
    assert len(rows) == len(wanted)
    assert [one for one in zip(rows, wanted, strict=True) if not is_same_row(*one)] == []


def is_same_row(row: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return len(row) == len(other) and all(map(is_same, row, other))


def is_same(value: Any, other: Any) -> bool:
    if isinstance(value, float) and isinstance(other, float):
        return abs(value - other) < 1e-9
    return bool(value == other)
