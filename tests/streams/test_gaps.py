"""Numbers that producers give to their records: what is missing, what is late, what comes twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream import App, Gap, Record
from actorstream.errors import OperatorError, PlanError, TopicMismatch
from actorstream.streams.engine.numbering import GAPS_MAX, Numbering
from actorstream.testing import run


class Reading(Record):
    """What a sensor sends: its own number of it."""

    sensor: str
    number: int
    place: str = ""


def gaps_in(readings: list[Reading], **options: Any) -> list[Gap]:
    """What is found in them, in one partition."""
    app = App("job")
    topic = app.topic("readings", Reading, **{"key": "sensor", "sequence": "number", **options})
    gaps = app.topic("gaps", Gap)
    app.stream(topic).gaps.to(gaps)
    return list(run(app, {topic: readings})[gaps])


# --- numbers ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 12), min_size=1, max_size=30))
def test_each_number_is_what_a_list_of_all_before_says(numbers: list[int]) -> None:
    """Next, a gap, late, a duplicate, or below the first."""
    numbering, seen = Numbering(numbers[0], numbers[0]), []
    for number in numbers:
        highest = max(seen, default=number - 1)
        if number > highest:
            expected = None if number == highest + 1 else "gap"
        elif number < numbers[0]:
            expected = "old"
        else:
            expected = "duplicate" if number in seen else "late"

        assert numbering.take(number) == expected

        seen.append(number)
        missing = [one for start, end in numbering.missing for one in range(start, end)]
        assert missing == [one for one in range(numbers[0], max(seen)) if one not in seen]


def test_of_many_gaps_the_first_are_forgotten() -> None:
    """What is left is bounded; a number below is neither late nor a duplicate, for nobody knows."""
    numbering = Numbering(0, 0)
    for number in range(0, 4 * GAPS_MAX, 2):
        numbering.take(number)

    assert len(numbering.missing) == GAPS_MAX
    assert [numbering.take(1), numbering.take(4 * GAPS_MAX - 3)] == ["old", "late"]


# --- streams of gaps -------------------------------------------------------------------------------------------------


def test_a_gap_says_whose_it_is_and_where_it_was_seen() -> None:
    """Each key has its own numbers, and begins with any."""
    given_readings = [
        Reading("a", 7),
        Reading("b", 1),
        Reading("a", 9),
        Reading("b", 2),
        Reading("a", 8),
        Reading("a", 9),
    ]

    assert gaps_in(given_readings) == [
        Gap("a", "gap", 8, 9, 0, 2),
        Gap("a", "late", 10, 8, 0, 4),
        Gap("a", "duplicate", 10, 9, 0, 5),
    ]


def test_keys_are_followed_in_all_partitions() -> None:
    """Each where it lies."""
    app = App("job")
    topic = app.topic("readings", Reading, key=lambda one: one.sensor, sequence="number", partitions=3)
    gaps = app.topic("gaps", Gap)
    app.stream(topic).gaps.to(gaps)
    readings = [Reading(f"s{number % 9}", number // 9) for number in range(90) if number % 10]

    found = run(app, {topic: readings})[gaps]

    assert sorted((one.key, one.expected, one.found) for one in found) == sorted(
        (f"s{number % 9}", number // 9, number // 9 + 1) for number in range(10, 90, 10)
    )


def test_numbers_are_counted_also_if_nobody_asks_for_gaps(tmp_path: Path) -> None:
    """Over the whole life of a job, in its status."""

    def done(numbers: list[int]) -> tuple[int, int]:
        app = App("job")
        topic = app.topic("readings", Reading, key="sensor", sequence="number")
        app.stream(topic).map(lambda one: one.number, name="number").to(app.topic("numbers", int))
        with app.producer(data=tmp_path) as producer:
            for number in numbers:
                producer.send(topic, Reading("a", number))
        with app.start(data=str(tmp_path), until="caught_up") as job:
            job.wait()
            tasks = job.status().progress.values()
        return sum(one.missing_records for one in tasks), sum(one.duplicate_records for one in tasks)

    assert done([1, 2, 5, 5]) == (2, 1)
    assert done([4, 6, 6]) == (1, 2)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"key": None}, "add key="),
        ({"sequence": "nr"}, "no field 'nr'"),
        ({"sequence": "place"}, "is no int"),
        ({"sequence": 3}, "give the name of a field"),
    ],
)
def test_a_sequence_that_cannot_be_followed_is_refused(options: dict[str, Any], said: str) -> None:
    """Where it is declared."""
    with pytest.raises(PlanError, match=said):
        gaps_in([], **options)


def test_only_a_stream_of_numbered_records_has_gaps() -> None:
    """What is made of it has none."""
    app = App("job")
    topic = app.topic("readings", Reading, key="sensor")
    with pytest.raises(PlanError, match="sequence="):
        app.stream(topic).gaps  # noqa: B018 - asking is what is refused


def test_a_sequence_is_part_of_a_declaration() -> None:
    """The same topic with and without is two declarations."""
    app = App("job")
    app.topic("readings", Reading, key="sensor", sequence="number")
    with pytest.raises(TopicMismatch, match="sequence"):
        app.topic("readings", Reading, key="sensor")


def test_a_record_without_a_number_is_named() -> None:
    """The producer broke what it promised."""
    app = App("job")
    topic = app.topic("readings", dict, key=lambda one: one["sensor"], sequence="number")
    app.stream(topic).gaps.to(app.topic("gaps", Gap))

    with pytest.raises(OperatorError, match=r"'number'.*None and not an int"):
        run(app, {topic: [{"sensor": "a", "number": None}]})
