"""Flights and weather: a stream joined with a table, over real data in Parquet files.

The month of January 2013 at New York's airports: how late do flights leave, by how far one could see? Run it with
`python examples/04_flights_and_weather.py`.
"""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files as resources

import polars as pl

from actorstream import App, Record, agg
from actorstream.connectors import files

DATA = resources("actorstream.ops.demo") / "data"


class Flight(Record):
    """A scheduled departure; a cancelled flight has no delay."""

    time_hour: datetime
    month: int
    origin: str
    dep_delay: int | None


class Weather(Record):
    """The weather at one airport in one hour."""

    time_hour: datetime
    origin: str
    visib: float


class Departure(Record):
    """How late a flight left, and how far one could see."""

    sight: str
    delay: int


class Delays(Record):
    """The flights that left in one kind of sight."""

    sight: str
    flights: int
    mean: float


app = App("flights-and-weather")

flights = app.stream(files.parquet(f"{DATA}/flights.parquet", Flight), name="flights", event_time="time_hour")
weather = app.stream(files.parquet(f"{DATA}/weather.parquet", Weather), name="weather")
hourly = app.table(weather, key=lambda one: (one.origin, one.time_hour))

departed = flights.where((pl.col("month") == 1) & pl.col("dep_delay").is_not_null())


@departed.key_by
def place_and_hour(flight: Flight) -> tuple[str, datetime]:
    """What the table is looked up by."""
    return flight.origin, flight.time_hour


@place_and_hour.join(hourly)
def departures(flight: Flight, weather: Weather | None) -> Departure:
    """Put flight and weather together."""
    sight = "unknown" if weather is None else "poor" if weather.visib < 3 else "fair" if weather.visib < 10 else "good"
    return Departure(sight, flight.dep_delay or 0)


delays = departures.key_by("sight").aggregate(Delays, name="delays", flights=agg.count(), mean=agg.mean("delay"))


def main() -> None:
    """The last result of each kind of sight is that of the whole month."""
    latest = {row.sight: row for row in app.collect(delays)}
    for sight, row in sorted(latest.items(), key=lambda pair: pair[1].mean):
        print(f"{sight:7} {row.flights:6} flights, {row.mean:5.1f} minutes late on average")


if __name__ == "__main__":
    main()
