"""Every query gives what DuckDB gives for the same events, in whatever order they come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.nexmark import reference
from benchmarks.nexmark.catalogue import QUERIES
from benchmarks.nexmark.generator import Events, Frames
from tests.nexmark import events


class Arrival(NamedTuple):
    """Events as they arrive: for the program, and in files for DuckDB."""

    records: Events
    directory: Path


Make = Callable[[Callable[[], Frames]], Arrival]


@pytest.fixture(scope="session")
def arrival(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes each kind of arrival once."""
    made: dict[str, Arrival] = {}

    def make(frames: Callable[[], Frames]) -> Arrival:
        if frames.__name__ not in made:
            directory, given = tmp_path_factory.mktemp(frames.__name__), frames()
            reference.write(given, directory, events.MAX_DELAY)
            made[frames.__name__] = Arrival(events.records(given), directory)
        return made[frames.__name__]

    return make


def check(name: str, arrival: Arrival) -> None:
    """The program's answers are the database's, and there are some."""
    query = QUERIES[name]

    found = reference.found(query, events.answered(query, arrival.records))

    assert found == reference.answers(query, arrival.directory)
    assert found


@pytest.mark.parametrize("name", QUERIES)
def test_events_in_order(name: str, arrival: Make) -> None:
    """Events in order of time."""
    check(name, arrival(events.in_order))


@pytest.mark.parametrize("name", QUERIES)
def test_events_out_of_order(name: str, arrival: Make) -> None:
    """Events out of order, none by more than the delay that is allowed: the same answers."""
    check(name, arrival(events.shuffled))

    query = QUERIES[name]
    assert reference.answers(query, arrival(events.shuffled).directory) == reference.answers(
        query, arrival(events.in_order).directory
    )


@pytest.mark.parametrize("name", [name for name, query in QUERIES.items() if not query.final])
def test_events_that_come_too_late(name: str, arrival: Make) -> None:
    """A window leaves out what is late for it, by the record's own partition; nothing else leaves anything out."""
    check(name, arrival(events.with_late))


@pytest.mark.parametrize("name", ["q5", "q12"])
def test_what_comes_too_late_makes_a_difference(name: str, arrival: Make) -> None:
    """The late events here are late indeed: windows without them give something else."""
    query = QUERIES[name]

    with_late, in_order = (
        reference.answers(query, arrival(make).directory) for make in (events.with_late, events.in_order)
    )

    assert with_late != in_order
