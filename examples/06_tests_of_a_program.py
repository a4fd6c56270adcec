"""Tests of a program: an operator as the function that it is, the whole program in memory, and under crashes.

Run it with `python -m pytest examples/06_tests_of_a_program.py`, or as any program.
"""

from __future__ import annotations

from actorstream import App, ListState, Record
from actorstream.testing import Faults, run, simulate


class Reading(Record):
    """What a sensor measured."""

    sensor: str
    celsius: float


class Jump(Record):
    """A reading far from the mean of those before it."""

    sensor: str
    celsius: float
    mean: float


app = App("jumps")
readings = app.topic("readings", Reading, partitions=2, key="sensor")
jumps = app.topic("jumps", Jump, key="sensor")


@app.stream(readings).key_by("sensor").process
def detect(reading: Reading, recent: ListState[float]) -> Jump | None:
    """Compare a reading with the last three."""
    before = list(recent)[-3:]
    recent.clear()
    recent.extend([*before, reading.celsius])
    mean = sum(before) / len(before) if before else reading.celsius
    return Jump(reading.sensor, reading.celsius, mean) if abs(reading.celsius - mean) > 5 else None


detect.to(jumps)

STEADY_THEN_HOT = [Reading("roof", 20.0), Reading("roof", 21.0), Reading("roof", 40.0)]


def test_a_jump_is_told_from_what_came_before() -> None:
    """The decorated function stays a function, and its state can be made by hand."""
    recent = ListState([20.0, 21.0])

    assert detect(Reading("roof", 40.0), recent) == Jump("roof", 40.0, 20.5)
    assert list(recent) == [20.0, 21.0, 40.0]


def test_the_program_writes_jumps() -> None:
    """In memory, under virtual time: no files, no threads, no waiting."""
    output = run(app, {readings: STEADY_THEN_HOT})

    assert output[jumps] == [Jump("roof", 40.0, 20.5)]


def test_the_program_survives_crashes() -> None:
    """Twenty schedules of crashes and lost writes; each gives the same jumps, once."""
    simulate(app, {readings: STEADY_THEN_HOT}, seeds=range(20), faults=Faults.all())


def main() -> None:
    """Run the tests one after the other."""
    for test in (
        test_a_jump_is_told_from_what_came_before,
        test_the_program_writes_jumps,
        test_the_program_survives_crashes,
    ):
        test()
        print(f"{test.__name__}: passed")


if __name__ == "__main__":
    main()
