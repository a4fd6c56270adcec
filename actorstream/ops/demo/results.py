"""What the demo found, as a table, and where to look next."""

from __future__ import annotations

from typing import Any, TypeVar

from actorstream.log.client import Consumer, Transport
from actorstream.model.topic import Topic
from actorstream.ops.demo import job
from actorstream.ops.show import table

WORST = 10

V = TypeVar("V")


def worst_days(transport: Transport) -> str:
    """The days on which an airport's flights left the latest, the worst first."""
    days = [day for day in _values(transport, job.airport_days) if day.mean_delay is not None]
    days.sort(key=lambda day: (-(day.mean_delay or 0.0), day.start, day.origin))
    rows = [
        (
            day.origin,
            f"{day.start:%Y-%m-%d}",
            day.flights,
            day.cancelled,
            f"{day.mean_delay:.1f}",
            day.worst_delay,
            "-" if day.wind is None else f"{day.wind:.0f}",
            "-" if day.visibility is None else f"{day.visibility:.1f}",
        )
        for day in days[:WORST]
    ]
    columns = ("airport", "day", "flights", "cancelled", "mean delay", "worst", "wind mph", "visibility mi")
    return table(columns, rows)


def summary(transport: Transport) -> str:
    """How much there is, in a line or two."""
    days = list(_values(transport, job.airport_days))
    shares = list(_values(transport, job.carrier_delays))
    alerts = list(_values(transport, job.delay_alerts))
    flights = sum(day.flights for day in days)
    cancelled = sum(day.cancelled for day in days)
    return (
        f"{flights:,} flights, {cancelled:,} of them cancelled, on {len(days):,} airport days; "
        f"{len(shares):,} six-hour shares of late departures; {len(alerts):,} alerts"
    )


def where_next(data: str, default: str) -> str:
    """Commands to type."""
    place = "" if data == default else f" --data {data}"
    commands = (
        (f"actorstream consume {job.airport_days.name} --max 3{place}", "results, as JSON lines"),
        (f"actorstream consume {job.delay_alerts.name} --max 3 --format full{place}", "with key, time and offset"),
        (f"actorstream topics list{place}", "what the log holds"),
        (f"actorstream checkpoints list{place}", "what made it exactly once"),
        (f"actorstream explain {job.__file__} --stage logical", "the job, as a tree"),
    )
    width = max(len(command) for command, _ in commands)
    return "\n".join(f"  {command.ljust(width)}  # {what}" for command, what in commands)


def _values(transport: Transport, topic: Topic[V]) -> list[V]:
    values: list[Any] = []
    with Consumer(topic, transport=transport) as records:
        values.extend(record.value for record in records)
    return values
