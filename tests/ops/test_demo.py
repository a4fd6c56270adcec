"""`actorstream demo`: all of it once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actorstream.errors import TopicMismatch, UnknownTopic
from actorstream.log.client import (
    Consumer,
    EmbeddedLog,
    Producer,
    Transport,
    describe_topic,
    open_consumer,
    open_producer,
)
from actorstream.model.topic import Topic
from actorstream.ops.cli import main
from actorstream.ops.demo import job
from actorstream.ops.demo.filling import fill
from actorstream.ops.demo.results import worst_days
from actorstream.ops.demo.state import is_done, remove, remove_remains
from tests.ops.commands import actorstream, start
from tests.ops.flights_rows import alert_row, assert_same, carrier_row, day_row
from tests.ops.flights_sql import ALERTS, CARRIERS, DAYS, expected

WEATHER = [
    job.Weather(datetime(2013, 1, 1, hour, tzinfo=UTC), origin, 1.0, 0.0, 10.0)
    for hour in range(20)
    for origin in ("EWR", "JFK", "LGA")
]


@pytest.fixture
def transport(tmp_path: Path) -> Iterator[Transport]:
    """The log of a fresh data directory."""
    log = EmbeddedLog.open(tmp_path / "data")
    yield log.transport()
    log.close()


def fill_weather(transport: Transport, values: list[job.Weather], topic: Topic[Any]) -> int:
    return fill(
        transport, topic, values, key=lambda one: one.origin, time=lambda one: one.hour, progress=lambda count: None
    )


def test_filling_goes_on_where_it_was(transport: Transport) -> None:
    """Each partition gets what it lacks, in order; a full topic gets nothing."""
    topic = Topic("weather", job.Weather, partitions=4, key="origin")

    written = [fill_weather(transport, WEATHER[:count], topic) for count in (0, 7, 31, 60, 60)]

    with Consumer(topic, transport=transport) as records:
        read = [(record.key, record.value) for record in records]
    assert written == [0, 7, 24, 29, 0]
    for origin in ("EWR", "JFK", "LGA"):
        assert [one for key, one in read if key == origin] == [one for one in WEATHER if one.origin == origin]


def test_a_topic_with_more_in_it_is_refused(transport: Transport) -> None:
    """It is not the demo's, or no longer."""
    fill_weather(transport, WEATHER, job.weather)

    with pytest.raises(TopicMismatch, match="holds more than the demo's records; start over with --fresh"):
        fill_weather(transport, WEATHER[:-1], job.weather)


def test_fresh_is_refused_among_other_things(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is removed."""
    data = str(tmp_path / "data")
    with open_producer(data) as producer:
        producer.send(Topic("mine"), 1)

    assert main(["demo", "--fresh", "--data", data]) == 2

    assert "holds other things than the demo: mine; --fresh would start over in it" in capsys.readouterr().err
    with open_consumer("mine", data=data) as records:
        assert [record.value for record in records] == [1]


def test_fresh_removes_all_that_is_the_demos(tmp_path: Path) -> None:
    """Inputs, results, and what the job remembers."""
    data = str(tmp_path / "data")
    log = EmbeddedLog.open(data)
    transport = log.transport()
    fill_weather(transport, WEATHER, job.weather)
    job.app.run(data=data, until="end")
    was_done = is_done(transport)

    remove(transport, data)

    assert was_done
    assert not is_done(transport)
    with Producer(transport=transport) as producer:
        producer.send(job.weather, WEATHER[0])
        producer.flush()
        assert [one.end_offset for one in describe_topic(transport, "weather").partitions] == [1]
    log.close()


def test_results_without_their_job_are_removed(transport: Transport) -> None:
    """A removal that was interrupted is finished before the job runs again."""
    with Producer(transport=transport) as producer:
        producer.send(job.delay_alerts, job.Alert("EWR", datetime(2013, 1, 1, tzinfo=UTC), 1, 50.0))

    remove_remains(transport)

    with Producer(transport=transport) as producer:
        producer.send(job.delay_alerts, job.Alert("JFK", datetime(2013, 1, 1, tzinfo=UTC), 1, 50.0))
    with Consumer(job.delay_alerts, transport=transport) as records:
        assert [record.value.origin for record in records] == ["JFK"]


def test_the_worst_days_are_shown_worst_first(transport: Transport) -> None:
    """With what is not known as a dash."""
    start_ = datetime(2013, 3, 8, tzinfo=UTC)
    days = [
        job.Day("EWR", start_, 3, 0, 1.25, 4, 20.4, 0.5),
        job.Day("JFK", start_, 2, 2, None, None, None, None),
        job.Day("LGA", start_, 1234, 1, 93.0, 470, None, None),
    ]
    with Producer(transport=transport) as producer:
        producer.send_many(job.airport_days, days)

    shown = [line.split() for line in worst_days(transport).splitlines()]

    assert shown[1:] == [
        ["LGA", "2013-03-08", "1,234", "1", "93.0", "470", "-", "-"],
        ["EWR", "2013-03-08", "3", "0", "1.2", "4", "20", "0.5"],
    ]


@pytest.mark.slow
def test_a_demo_that_is_killed_twice_gives_what_duckdb_gives(tmp_path: Path) -> None:
    """Once while it fills its topics, once when results are there; then it finishes, and shows them again."""
    data = str(tmp_path / "actorstream-data")
    with _until_killed("topic weather", tmp_path):
        pass
    with _until_killed("job flight-delays runs", tmp_path):
        _wait_for_results(data)

    finished = actorstream("demo", cwd=tmp_path)
    again = actorstream("demo", cwd=tmp_path)

    assert (finished.returncode, again.returncode) == (0, 0), finished.stderr
    assert "the results of an earlier run" in again.stderr
    assert finished.stdout == again.stdout
    assert finished.stdout.splitlines()[1].split()[:6] == ["LGA", "2013-03-08", "305", "72", "93.0", "470"]
    assert_same(map(day_row, _read(job.airport_days, data)), expected(DAYS))
    assert_same(map(carrier_row, _read(job.carrier_delays, data)), expected(CARRIERS))
    assert_same(map(alert_row, _read(job.delay_alerts, data)), expected(ALERTS))


@contextmanager
def _until_killed(words: str, place: Path) -> Iterator[None]:
    """A demo that has said these words, and is killed at the end."""
    demo = start("demo", cwd=place)
    assert demo.stderr is not None
    try:
        assert any(words in line for line in demo.stderr)
        yield
    finally:
        demo.kill()
        demo.communicate()


def _wait_for_results(data: str) -> None:
    """Until the job of another process has committed something."""
    while True:
        try:
            with open_consumer(job.airport_days, data=data, follow=True) as days:
                next(iter(days))
            return
        except UnknownTopic:
            continue  # It has not begun yet.


def _read(topic: Topic[Any], data: str) -> list[Any]:
    with open_consumer(topic, data=data) as records:
        return [record.value for record in records]
