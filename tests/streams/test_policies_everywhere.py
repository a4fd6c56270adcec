"""Failure policies of operators over columns, of joins, patterns and windows' joins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from actorstream import App, Record, agg, dead_letter, pattern, retry, rows, session, skip, tumbling
from actorstream.connectors import files
from actorstream.errors import OperatorError, PlanError
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
    return stream.key_by(lambda n: "k", name=f"{name}_key")


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


# --- aggregates ------------------------------------------------------------------------------------------------------


def strict(n: int) -> float:
    """Fails for 0."""
    return 12 / n


def aggregated(app: App, numbers: list[int], policy: Any, window: Any, **aggregates: Any) -> Any:
    """Aggregates of all of them."""
    stream = keyed(app, numbers, "numbers")
    over = stream if window is None else stream.window(window)
    return over.aggregate(name="op", on_error=policy, **aggregates)


@pytest.mark.parametrize("window", [None, tumbling("1m"), session("1m"), rows(10)], ids=str)
def test_a_record_that_an_aggregates_function_fails_on_counts_in_none(window: Any) -> None:
    """Not even in those that need no function; its dead letter is written once."""
    app = App("job")
    bad, good = app.topic("bad"), app.topic("good")
    numbers = aggregated(app, [1, 0, 2, 3], dead_letter(bad), window, n=agg.count(), total=agg.sum(strict))
    numbers.to(good)

    output = run(app, {})

    assert (output[good][-1]["n"], output[good][-1]["total"]) == (3, 22.0)
    assert [(one["record"], one["operator"]) for one in output[bad]] == [(0, "op")]


@pytest.mark.parametrize("window", [None, tumbling("1m")], ids=str)
def test_what_cannot_be_folded_by_itself_counts_in_no_aggregate(window: Any) -> None:
    """As if its function had failed; so with an aggregate of one's own."""
    app = App("job")
    own = agg.of(create=lambda: 0.0, add=lambda total, n: total + strict(n), merge=float.__add__, result=float)
    texts = agg.sum(lambda n: "two" if n == 2 else n)
    numbers = aggregated(app, [1, 0, 2, 3], skip, window, n=agg.count(), own=own, texts=texts)

    last = app.collect(numbers)[-1]

    assert (last.n, last.own, last.texts) == (2, 16.0, 4)


def test_a_running_aggregate_whose_result_fails_keeps_what_it_had() -> None:
    """The record leaves no trace."""
    app = App("job")

    def small(total: int) -> int:
        if total > 5:
            raise ValueError(total)
        return total

    own = agg.of(create=lambda: 0, add=lambda total, n: total + n, merge=lambda a, b: a + b, result=small)
    numbers = aggregated(app, [1, 2, 9, 1], skip, None, total=own, all=agg.sum(lambda n: n))

    assert [(one.total, one.all) for one in app.collect(numbers)] == [(1, 1), (3, 3), (4, 4)]


def test_an_aggregates_function_is_tried_again() -> None:
    """No other is called twice."""
    app, calls = App("job"), []

    def flaky(n: int) -> int:
        calls.append(n)
        if calls.count(n) < 3 and n == 2:
            raise OSError("not now")
        return n

    policy = retry(times=2, backoff="1ms")
    numbers = aggregated(app, [1, 2, 3], policy, tumbling("1m"), total=agg.sum(flaky))

    assert app.collect(numbers)[0].total == 6
    assert calls == [1, 2, 2, 2, 3]


# --- sources ---------------------------------------------------------------------------------------------------------


def test_a_record_without_an_event_time_follows_the_streams_policy() -> None:
    """It moves no time, and the records beside it have theirs."""
    app = App("job")
    numbers, good, bad = app.topic("numbers", int), app.topic("good"), app.topic("bad")

    def time_of(n: int) -> datetime:
        return START + timedelta(seconds=12 // n)

    stream = app.stream(numbers, event_time=time_of, on_error=dead_letter(bad))
    stream.key_by(lambda n: "k", name="k").window(tumbling("1m")).aggregate(n=agg.count(), name="op").to(good)

    output = run(app, {numbers: [1, 0, 2, 0, 3]})

    assert [row["n"] for row in output[good]] == [3]
    assert [(one["record"], one["operator"], one["offset"]) for one in output[bad]] == [
        (0, "numbers", 1),
        (0, "numbers", 3),
    ]


def test_a_record_whose_event_time_is_missing_follows_the_streams_policy() -> None:
    """A field that holds None."""
    app = App("job")

    class Maybe(Record):
        id: int
        at: datetime | None

    stream = app.stream([Maybe(1, START), Maybe(2, None), Maybe(3, START)], event_time="at", on_error=skip)

    assert [one.id for one in app.collect(stream)] == [1, 3]


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_lines_that_cannot_be_read_follow_the_streams_policy(ending: str, tmp_path: Path) -> None:
    """The lines beside them are read, also behind a restart; each dead letter is written once."""
    app = App("job")
    good, bad = app.topic("good"), app.topic("bad")
    lines = {
        "jsonl": ['{"id": 1, "number": 1}', '{"id": 2, "number": "x"}', "{", '{"id": 4, "number": 4}'],
        "csv": ["id,number", "1,1", "2,x", "y,3", "4,4"],
    }
    (tmp_path / f"in.{ending}").write_text("".join(f"{line}\n" for line in lines[ending]))
    source = getattr(files, ending)(str(tmp_path / f"in.{ending}"), Number)
    app.stream(source, name="lines", on_error=dead_letter(bad)).to(good)

    output = run(app, {})

    assert [row["id"] for row in output[good]] == [1, 4]
    assert [one["operator"] for one in output[bad]] == ["lines", "lines"]
    assert "line" in output[bad][0]["error"]
    if ending == "jsonl":
        assert [one["record"] for one in output[bad]] == [{"id": 2, "number": "x"}, "{"]


# --- sinks -----------------------------------------------------------------------------------------------------------


def test_a_value_that_does_not_fit_a_topic_follows_the_policy() -> None:
    """The others are written."""
    app = App("job")
    good, bad = app.topic("good", Number), app.topic("bad")
    values: list[Any] = [Number(1, 1), {"id": 2}, Number(3, 3), object()]
    app.stream(values).to(good, on_error=dead_letter(bad), name="end")

    output = run(app, {})

    assert output[good] == [Number(1, 1), Number(3, 3)]
    assert [one["operator"] for one in output[bad]] == ["end", "end"]
    assert output[bad][0]["record"] == {"id": 2}


class Picky:
    """A plain sink that refuses batches with a zero, and at first anything."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.calls = 0
        self.written: list[int] = []

    def write(self, values: Any, /) -> None:
        """Take values."""
        self.calls += 1
        if self.calls <= self.refusals:
            raise OSError("not now")
        if 0 in values:
            raise ValueError("a zero")
        self.written.extend(values)


def test_a_plain_sink_is_tried_again_and_what_it_refuses_is_a_dead_letter() -> None:
    """First as a batch, then one by one."""
    app, sink = App("job"), Picky(1)
    bad = app.topic("bad")
    app.stream([1, 0, 2]).to(sink, on_error=retry(times=2, backoff="1ms") | dead_letter(bad))

    output = run(app, {})

    assert sink.written == [1, 2]
    assert [one["record"] for one in output[bad]] == [0]


def test_a_plain_sink_that_comes_back_loses_nothing() -> None:
    """While it is tried again, what follows waits."""
    app, sink = App("job"), Picky(2)
    app.stream([1, 2]).to(sink, on_error=retry(times=3, backoff="1ms"))

    run(app, {})

    assert sink.written == [1, 2]


def test_a_two_phase_sink_takes_no_policy(tmp_path: Path) -> None:
    """With the line where it was written."""
    app = App("job")

    with pytest.raises(PlanError, match=r"to\(\) at test_policies_everywhere.py:\d+: .* leave on_error out"):
        app.stream([Number(1, 1)]).to(files.jsonl(str(tmp_path), Number), on_error=skip)


def test_a_record_without_a_number_follows_the_policy_of_its_stream() -> None:
    """Where gaps are looked for."""
    app = App("job")
    numbered = app.topic("numbered", key="key", sequence="number")
    good = app.topic("good")
    stream = app.stream(numbered, on_error=skip)
    stream.gaps.map(lambda gap: gap.found).to(good)

    output = run(app, {numbered: [{"key": "a", "number": n} for n in (1, "x", 4)]})

    assert output[good] == [4]
