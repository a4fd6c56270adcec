"""Failure policies of operators over columns, of joins, patterns and windows' joins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from actorstream import App, Record, dead_letter, pattern, retry, skip, tumbling
from actorstream.errors import OperatorError
from actorstream.testing import run

START = datetime(2024, 1, 1, tzinfo=UTC)


class Reading(Record):
    """What is read: a text that may be no number."""

    id: int
    text: str


class Number(Record):
    """What is made of it."""

    id: int
    number: int


READINGS = [Reading(0, "1"), Reading(1, "x"), Reading(2, "3"), Reading(3, "y"), Reading(4, "5")]
AS_NUMBER = pl.col("text").cast(pl.Int64)


# --- over columns ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["select", "with_columns", "where"])
def test_only_the_rows_that_an_expression_fails_on_are_left_out(operation: str) -> None:
    """The others of their batch pass, in order; each dead letter is written once, with the whole record."""
    app = App("job")
    readings, good, bad = app.topic("readings", Reading), app.topic("good"), app.topic("bad")
    stream = app.stream(readings)
    expressions: dict[str, Any] = {
        "select": lambda: stream.select("id", number=AS_NUMBER, on_error=dead_letter(bad)),
        "with_columns": lambda: stream.with_columns(number=AS_NUMBER, on_error=dead_letter(bad)),
        "where": lambda: stream.where(AS_NUMBER > 0, on_error=dead_letter(bad)),
    }
    expressions[operation]().to(good)

    output = run(app, {readings: READINGS})

    assert [row["id"] for row in output[good]] == [0, 2, 4]
    assert [(one["record"], one["offset"]) for one in output[bad]] == [
        ({"id": 1, "text": "x"}, 1),
        ({"id": 3, "text": "y"}, 3),
    ]


def test_an_expression_that_fails_names_its_record() -> None:
    """Not just its batch."""
    app = App("job")
    readings, good = app.topic("readings", Reading), app.topic("good")
    app.stream(readings).select("id", number=AS_NUMBER, name="op").to(good)

    with pytest.raises(OperatorError, match=r"operator 'op' failed on Reading\(id=1, text='x'\)") as raised:
        run(app, {readings: READINGS})

    assert (raised.value.topic, raised.value.partition, raised.value.offset) == ("readings", 0, 1)


def test_a_value_that_does_not_fit_the_type_of_a_select_follows_its_policy() -> None:
    """As an expression that fails."""
    app = App("job")
    gaps = pl.col("text").str.to_integer(strict=False)
    stream = app.stream(READINGS).select("id", number=gaps, into=Number, on_error=skip)

    assert app.collect(stream) == [Number(0, 1), Number(2, 3), Number(4, 5)]


def test_a_filter_stays_behind_what_may_fail() -> None:
    """Or other records would fail than the program says."""
    app = App("job")
    readings, good, bad = app.topic("readings", Reading), app.topic("good"), app.topic("bad")
    stream = app.stream(readings).with_columns(number=AS_NUMBER, on_error=dead_letter(bad))
    stream.where(pl.col("id") > 1).to(good)

    output = run(app, {readings: READINGS})

    assert [row["id"] for row in output[good]] == [2, 4]
    assert [one["record"]["id"] for one in output[bad]] == [1, 3]


def test_map_batches_leaves_out_rows_that_do_not_fit() -> None:
    """Found one by one."""
    app = App("job")

    def numbers(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select("id", number=pl.col("text").str.to_integer(strict=False))

    stream = app.stream(READINGS).map_batches(numbers, into=Number, on_error=skip)

    assert [one.id for one in app.collect(stream)] == [0, 2, 4]


# --- joins -----------------------------------------------------------------------------------------------------------


def at(seconds: int) -> datetime:
    """An event time."""
    return START + timedelta(seconds=abs(seconds))


def ratio(left: int, right: int) -> float:
    """Fails for a right of 0."""
    return left / right


def keyed(app: App, numbers: list[int], name: str) -> Any:
    """Numbers that are their own seconds, all under one key."""
    stream = app.stream(numbers, name=name, event_time=at)
    return stream.key_by(lambda n: "k", name=f"{name}-key")


def table(app: App, numbers: list[int], name: str) -> Any:
    """The latest number."""
    return app.table(app.stream(numbers, name=name, event_time=at), key=lambda n: "k")


JOINS: dict[str, Any] = {
    "interval": lambda app, policy: keyed(app, [0, 2], "a").join(
        keyed(app, [0, 1], "b"), ratio, within="5s", on_error=policy
    ),
    "as of": lambda app, policy: keyed(app, [0, 2], "a").join(
        table(app, [0, 1], "b"), ratio, as_of=True, on_error=policy
    ),
    "table": lambda app, policy: keyed(app, [2], "a").join(table(app, [0], "b"), ratio, on_error=policy),
    "windows": lambda app, policy: (
        keyed(app, [0, 2], "a")
        .window(tumbling("10s"))
        .join(keyed(app, [0, 1], "b").window(tumbling("10s")), ratio, on_error=policy)
    ),
}


@pytest.mark.parametrize(
    ("join", "results"), [("interval", [0, 2]), ("as of", [2]), ("table", []), ("windows", [0, 2])]
)
def test_a_pair_that_a_joins_function_fails_on_is_left_out(join: str, results: list[float]) -> None:
    """The other pairs of its records are not; its dead letter is the pair."""
    app = App("job")
    bad, good = app.topic("bad"), app.topic("good")
    joined = JOINS[join](app, dead_letter(bad))
    joined.to(good)

    output = run(app, {})

    assert sorted(output[good]) == results
    assert {tuple(one["record"]) for one in output[bad]} <= {(0, 0), (2, 0)}
    assert len(output[bad]) == {"interval": 2, "as of": 1, "table": 1, "windows": 2}[join]
    assert {one["operator"] for one in output[bad]} == {"ratio"}


def test_a_pair_of_tables_follows_the_policy() -> None:
    """At the change that made it."""
    app = App("job")
    joined = table(app, [4], "a").join(table(app, [0, 2], "b"), ratio, on_error=skip)

    assert app.collect(joined)[-1] == 2.0


def test_a_joins_function_is_tried_again() -> None:
    """With the same pair."""
    app, calls = App("job"), []

    def flaky(left: int, right: int) -> int:
        calls.append((left, right))
        if len(calls) < 3:
            raise OSError("not now")
        return left + right

    joined = keyed(app, [1], "a").join(keyed(app, [2], "b"), flaky, within="5s", on_error=retry(backoff="1ms"))

    assert app.collect(joined) == [3]
    assert calls == [(1, 2)] * 3


# --- patterns --------------------------------------------------------------------------------------------------------


def test_a_record_that_a_condition_fails_on_is_in_no_match() -> None:
    """Though others of its pattern would take it."""
    app = App("job")
    bad, good = app.topic("bad"), app.topic("good")
    rises = pattern(lambda n: 12 / n > 3, name="small").then(lambda n: n > 3, name="large").within("1m")
    found = keyed(app, [0, 1, 5], "a").match(rises).apply(lambda m: list(m), name="found", on_error=dead_letter(bad))
    found.to(good)

    output = run(app, {})

    assert output[good] == [[1, 5]]
    assert [one["record"] for one in output[bad]] == [0]


def test_a_match_that_the_function_fails_on_gives_nothing() -> None:
    """The next one does; its dead letter has its records."""
    app = App("job")
    bad, good = app.topic("bad"), app.topic("good")
    pairs = pattern(lambda n: True, name="any").times(2).within("1m")
    matched = keyed(app, [0, 1, 2, 4], "a").match(pairs)
    matched.apply(lambda m: ratio(*reversed(list(m))), name="found", on_error=dead_letter(bad)).to(good)

    output = run(app, {})

    assert output[good] == [2.0]
    assert [one["record"]["records"] for one in output[bad]] == [[0, 1]]
