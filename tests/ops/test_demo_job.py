"""The demo's job gives what DuckDB gives over the same files, to the last row."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from actorstream.model.instant import to_instant
from actorstream.ops.demo import inputs, job
from actorstream.testing import run
from tests.ops.flights_rows import alert_row, assert_same, carrier_row, day_row
from tests.ops.flights_sql import ALERTS, CARRIERS, DAYS, FAR_AWAY_US, expected

FEBRUARY_US = to_instant(datetime(2013, 2, 1, tzinfo=UTC))


@cache
def output(until_us: int) -> Any:
    """What the job writes for all flights whose scheduled hour is before `until_us`."""
    flights = [one for one in inputs.read_flights() if to_instant(one.scheduled.replace(minute=0)) < until_us]
    return run(job.app, {job.flights: flights, job.weather: inputs.read_weather()})


UNTIL = [
    pytest.param(FEBRUARY_US, id="january"),
    pytest.param(FAR_AWAY_US, id="year", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("until_us", UNTIL)
def test_airport_days_are_what_duckdb_finds(until_us: int) -> None:
    """Flights, cancellations, mean and worst delay, wind and visibility of each airport and day."""
    found = output(until_us)[job.airport_days]

    assert_same(map(day_row, found), expected(DAYS, until_us=until_us))


@pytest.mark.parametrize("until_us", UNTIL)
def test_carrier_shares_are_what_duckdb_finds(until_us: int) -> None:
    """Each carrier's departures, and those over an hour late, in six hours sliding by one."""
    found = output(until_us)[job.carrier_delays]

    assert_same(map(carrier_row, found), expected(CARRIERS, until_us=until_us))


@pytest.mark.parametrize("until_us", UNTIL)
def test_alerts_are_what_duckdb_finds(until_us: int) -> None:
    """The three-hour windows in which an airport's mean delay was more than 45 minutes."""
    found = output(until_us)[job.delay_alerts]

    assert_same(map(alert_row, found), expected(ALERTS, until_us=until_us))


def test_flights_come_out_of_order_by_less_than_the_job_waits() -> None:
    """Some flights come after later ones, none by as much as five minutes."""
    latest = datetime.min.replace(tzinfo=UTC)
    delays = []
    for flight in inputs.read_flights():
        latest = max(latest, flight.scheduled)
        delays.append((latest - flight.scheduled).total_seconds())

    assert 60 < max(delays) < inputs.JITTER_SECONDS


def test_the_input_is_the_whole_year() -> None:
    """Every flight and every hour of weather is there, and cancelled flights have no delay."""
    flights = inputs.read_flights()

    assert (len(flights), len(inputs.read_weather())) == (336_776, 26_115)
    assert all((one.dep_time is None) == (one.dep_delay is None) for one in flights)
    assert sum(one.dep_time is None for one in flights) == 8_255
