"""The demo's job: delays at New York's airports in 2013, as anybody would write it.

`actorstream demo` fills the topics `flights` and `weather` and runs this file; `actorstream run` and
`actorstream explain` take it, too.
"""

from __future__ import annotations

from datetime import datetime

from actorstream import App, Record, agg, sliding, tumbling


class Flight(Record):
    """One scheduled departure. A cancelled flight has no departure time and no delay."""

    scheduled: datetime
    origin: str
    dest: str
    carrier: str
    flight: int
    tailnum: str | None
    dep_time: int | None  # HHMM, local
    dep_delay: int | None  # minutes; negative: early


class Weather(Record):
    """The weather at one airport in one hour."""

    hour: datetime
    origin: str
    wind_speed: float | None  # miles an hour
    precip: float | None  # inches
    visib: float | None  # miles


class Departure(Record):
    """A flight and the weather it left in, where that is known."""

    origin: str
    carrier: str
    cancelled: bool
    delay: int | None
    wind: float | None
    visibility: float | None


class Day(Record):
    """One airport on one day (UTC)."""

    origin: str
    start: datetime
    flights: int
    cancelled: int
    mean_delay: float | None
    worst_delay: int | None
    wind: float | None  # the strongest of the hours in which flights were scheduled
    visibility: float | None  # the poorest


class CarrierHours(Record):
    """How one carrier did in the six hours up to `end`: the share of its departures that were over an hour late."""

    carrier: str
    end: datetime
    departed: int
    late: int
    share: float


class Alert(Record):
    """Three hours in which an airport's departures were more than 45 minutes late on average."""

    origin: str
    start: datetime
    departed: int
    mean_delay: float


app = App("flight-delays")

flights = app.topic("flights", Flight, partitions=4, key="origin")
weather = app.topic("weather", Weather, key="origin")
airport_days = app.topic("airport-days", Day, key="origin")
carrier_delays = app.topic("carrier-delays", CarrierHours, key="carrier")
delay_alerts = app.topic("delay-alerts", Alert, key="origin")


def place_and_hour(weather: Weather) -> tuple[str, datetime]:
    """What a table of the weather is looked up by."""
    return weather.origin, weather.hour


scheduled = app.stream(flights, event_time="scheduled", max_delay="5m")
hourly_weather = app.table(weather, key=place_and_hour)


@scheduled.key_by
def flight_hour(flight: Flight) -> tuple[str, datetime]:
    """The airport, and the hour of the scheduled departure."""
    return flight.origin, flight.scheduled.replace(minute=0)


@flight_hour.join(hourly_weather)
def departures(flight: Flight, weather: Weather | None) -> Departure:
    """Put flight and weather together."""
    return Departure(
        origin=flight.origin,
        carrier=flight.carrier,
        cancelled=flight.dep_time is None,
        delay=flight.dep_delay,
        wind=weather.wind_speed if weather else None,
        visibility=weather.visib if weather else None,
    )


@departures.filter
def departed(departure: Departure) -> bool:
    """Leave out what never left."""
    return departure.delay is not None


def over_an_hour_late(departure: Departure) -> int:
    """1 for a departure more than an hour late, else 0."""
    return int(departure.delay is not None and departure.delay > 60)


days = (
    departures.key_by("origin")
    .window(tumbling("1d"))
    .aggregate(
        Day,
        name="days",
        flights=agg.count(),
        cancelled=agg.sum(lambda departure: int(departure.cancelled)),
        mean_delay=agg.mean("delay"),
        worst_delay=agg.max("delay"),
        wind=agg.max("wind"),
        visibility=agg.min("visibility"),
    )
)
days.to(airport_days)

carriers = (
    departed.key_by("carrier")
    .window(sliding("6h", every="1h"))
    .aggregate(
        CarrierHours,
        name="carriers",
        departed=agg.count(),
        late=agg.sum(over_an_hour_late),
        share=agg.mean(over_an_hour_late),
    )
)
carriers.to(carrier_delays)

bad_hours = (
    departed.key_by("origin")
    .window(tumbling("3h"))
    .aggregate(Alert, name="three_hours", departed=agg.count(), mean_delay=agg.mean("delay"))
)


@bad_hours.filter
def alerts(hours: Alert) -> bool:
    """Keep what is worth waking somebody for."""
    return hours.mean_delay > 45


alerts.to(delay_alerts)
