"""`parallelism=` of operators without state, and small promises of unions and joined windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from actorstream import App, Record, tumbling
from actorstream.errors import PlanError
from actorstream.testing import run


class Reading(Record):
    """A number with a name."""

    name: str
    number: int


OPERATORS: dict[str, Any] = {
    "map": lambda stream, n: stream.map(lambda one: one, parallelism=n),
    "filter": lambda stream, n: stream.filter(lambda one: True, parallelism=n),
    "tap": lambda stream, n: stream.tap(lambda one: None, parallelism=n),
    "flat_map": lambda stream, n: stream.flat_map(lambda one: [one], parallelism=n),
    "map_batches": lambda stream, n: stream.map_batches(lambda frame: frame, into=Reading, parallelism=n),
    "select": lambda stream, n: stream.select("name", "number", parallelism=n),
    "with_columns": lambda stream, n: stream.with_columns(number=pl.col("number"), parallelism=n),
    "where": lambda stream, n: stream.where(pl.col("number") >= 0, parallelism=n),
    "split": lambda stream, n: stream.split(every=lambda one: True, parallelism=n)[0],
    "key_by": lambda stream, n: stream.key_by("name", parallelism=n),
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_records_of_a_partition_keep_their_order_whatever_parallelism_is_asked_for(operator: str) -> None:
    """Nothing comes twice, and nothing is lost."""
    app = App("job")
    readings = app.topic("readings", Reading, partitions=3, key="name")
    results = app.topic("results", partitions=3, key="name")
    OPERATORS[operator](app.stream(readings), 4).to(results)
    values = [Reading(name, number) for number in range(20) for name in "abc"]

    output = run(app, {readings: values})[results]

    assert len(output) == 60
    for name in "abc":
        assert [row["number"] for row in output if row["name"] == name] == list(range(20))


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_parallelism_that_is_no_number_of_instances_is_refused(operator: str) -> None:
    """Where it is written."""
    stream = App("job").stream([Reading("a", 1)])

    with pytest.raises(PlanError, match=rf"{operator} at test_parallelism_of_rows.py:\d+: parallelism is 0"):
        OPERATORS[operator](stream, 0)


def test_windows_that_were_joined_say_whom_to_ask_for_late_records() -> None:
    """The join has those of both sides."""
    app, start = App("job"), datetime(2024, 1, 1, tzinfo=UTC)

    def windows(name: str, seconds: list[int]) -> Any:
        stream = app.stream(seconds, name=name, event_time=lambda s: start + timedelta(seconds=s))
        return stream.key_by(lambda s: "k", name=f"{name}_key").window(tumbling("1s"))

    left, right = windows("left", [5, 1]), windows("right", [5])
    joined = left.join(right, name="joined")

    with pytest.raises(PlanError, match=r"\.late at test_parallelism_of_rows.py:\d+: these windows were joined"):
        _ = left.late
    assert app.collect(joined.late) == [1]
