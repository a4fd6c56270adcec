"""The demo's job over a few thousand real flights, from many seeds, with everything going wrong."""

from __future__ import annotations

from actorstream.ops.demo import inputs, job
from actorstream.testing import Faults, simulate
from tests.simulation.workloads import assert_everything_happened

SEEDS = 60
FLIGHTS = 2_500
"""About three days, so that every kind of window of the job closes many times."""


def test_the_demo_survives_crashes_of_actors_processes_and_hosts() -> None:
    """Committed output equals that of an undisturbed run, per key in order, whatever crashed and whenever."""
    flights = inputs.read_flights()[:FLIGHTS]
    hours = {flight.scheduled.replace(minute=0) for flight in flights}
    weather = [one for one in inputs.read_weather() if one.hour in hours]

    happened = simulate(job.app, {job.flights: flights, job.weather: weather}, seeds=range(SEEDS), faults=Faults.all())

    assert_everything_happened(happened, SEEDS)
