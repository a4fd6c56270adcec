"""`App`: sources, tables, `collect` and `run`, as far as they are not somebody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import polars
import pytest

from actorstream import App, agg, tumbling
from actorstream.errors import OperatorError, PlanError, TopicMismatch
from actorstream.testing import run
from tests.streams.makers import Event, at, event, events_of


def test_a_generator_function_is_a_source() -> None:
    """Decorated with or without arguments; it stays callable."""
    app = App("job")

    @app.source
    def numbers() -> Iterator[int]:
        yield from (1, 2)

    @app.source(name="slow")
    async def later() -> AsyncIterator[int]:
        for n in (3, 4):
            await asyncio.sleep(0)
            yield n

    assert (numbers.name, later.name) == ("numbers", "slow")
    assert list(numbers()) == [1, 2]
    assert sorted(app.collect(numbers.union(later))) == [1, 2, 3, 4]


def test_a_sources_type_is_what_it_yields() -> None:
    """Without the offset, where it yields one: so that fields are checked, and there are columns."""
    app = App("job")

    @app.source(event_time="at")
    def events(offset: int | None) -> Iterator[tuple[Event, int]]:
        for n in range((offset or 0) + 1, 4):
            yield event(n, value=n), n

    counts = events.key_by("key").window(tumbling("10s")).aggregate(n=agg.sum("value"))

    assert [(row.start, row.n) for row in app.collect(counts)] == [(at(0), 6)]
    assert [row.value for row in app.collect(events.select("value"))] == [1, 2, 3]
    with pytest.raises(PlanError, match="Event has no field 'kay'"):
        events.key_by("kay")


def test_a_sources_event_time_is_checked() -> None:
    """Against what it yields."""

    def events() -> Iterator[Event]:
        yield event(0)

    with pytest.raises(PlanError, match="event_time: Event has no field 'time'"):
        App("job").source(event_time="time")(events)


def test_what_is_no_generator_function_is_no_source() -> None:
    """It would have nothing to yield."""
    with pytest.raises(PlanError, match="is not a generator function; a source yields its values"):
        App("job").source(lambda: [1])


def test_a_failing_source_stops_the_job() -> None:
    """As any other function of the user's; it is not called again and again."""
    app = App("job")

    calls = []

    @app.source
    def numbers() -> Iterator[int]:
        calls.append(1)
        yield 1
        raise ValueError("no more")

    with pytest.raises(OperatorError, match=r"operator 'numbers' failed on value 2: ValueError: no more"):
        app.collect(numbers)

    assert calls == [1]


# --- collect ---------------------------------------------------------------------------------------------------------


def test_collect_may_be_called_again() -> None:
    """It leaves nothing behind."""
    app = App("job")
    counts = app.stream(["a", "a"]).key_by(lambda word: word, name="word").aggregate(n=agg.count())

    assert [row.n for row in app.collect(counts)] == [row.n for row in app.collect(counts)] == [1, 2]


@pytest.mark.parametrize(("limit", "values"), [(0, []), (2, [0, 1]), (9, [0, 1, 2]), (None, [0, 1, 2])])
def test_collect_gives_as_many_as_asked(limit: int | None, values: list[int]) -> None:
    """Or as many as there are."""
    app = App("job")

    assert app.collect(app.stream([0, 1, 2]), limit=limit) == values


def test_a_limit_ends_what_would_not_end() -> None:
    """A source that goes on for ever is left when there is enough."""
    app = App("job")

    @app.source
    def numbers() -> Iterator[int]:
        n = 0
        while True:
            yield n
            n += 1

    assert app.collect(numbers.filter(lambda n: n % 2), limit=3) == [1, 3, 5]


@pytest.mark.parametrize(("limit", "values"), [(0, []), (2, [1, 2]), (None, [1, 2, 3])])
def test_collect_gives_a_frame_if_asked(limit: int | None, values: list[int]) -> None:
    """Of rows and of columns, with a column for each field also where nothing came."""
    app = App("job")
    events = app.stream([Event("a", n, at(n)) for n in (1, 2, 3)])

    for stream in (events, events.with_columns(value=polars.col("value") + 0), events.filter(lambda event: True)):
        frame = app.collect_frame(stream, limit=limit)
        assert (frame.columns, frame["value"].to_list()) == (["key", "value", "at"], values)


def test_a_frame_needs_records_of_a_known_type() -> None:
    """A function that does not say what it returns, may return anything."""
    app = App("job")

    with pytest.raises(PlanError, match=r"collect_frame at .*test_app.py:\d+: .* no stream of Records of a known type"):
        app.collect_frame(app.stream([1]).map(lambda n: n))


def test_collect_runs_only_what_the_stream_needs() -> None:
    """Sinks of other paths, and of the same, stay silent."""
    app, seen = App("job"), []
    numbers = app.stream([1, 2])
    numbers.tap(seen.append, name="seen")
    numbers.sink(seen.append, name="sunk")

    assert app.collect(numbers.map(lambda n: n * 2)) == [2, 4]
    assert seen == []


def test_collect_over_a_topic_asks_where_it_is() -> None:
    """A topic lies in a data directory."""
    app = App("job")

    with pytest.raises(PlanError, match=r"collect reads the topic numbers; say where it is: collect\(stream, data="):
        app.collect(app.stream(app.topic("numbers", int)))


def test_collect_and_run_work_in_a_running_event_loop() -> None:
    """As in a notebook."""
    app = App("job")
    out = app.topic("out")
    doubled = app.stream([1, 2]).map(lambda n: n * 2)
    doubled.to(out)

    async def cell() -> tuple[list[int], list[int]]:
        return app.collect(doubled), run(app)[out]

    assert asyncio.run(cell()) == ([2, 4], [2, 4])


def test_collect_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It works in memory."""
    monkeypatch.chdir(tmp_path)
    app = App("job")

    app.collect(app.stream([1]).key_by(lambda n: n, name="n").aggregate(c=agg.count()))

    assert list(tmp_path.iterdir()) == []


# --- run -------------------------------------------------------------------------------------------------------------


def test_run_reads_topics_and_bounded_sources() -> None:
    """What a topic is given is in it; what it is not given is empty."""
    app = App("job")
    given, other, out = app.topic("given", int), app.topic("other", int), app.topic("out")
    app.stream(given).union(app.stream(other), app.stream([3], name="list")).to(out)

    assert sorted(run(app, {given: [1, 2]})[out]) == [1, 2, 3]


def test_run_may_be_called_again() -> None:
    """Each run is the first."""
    app = App("job")
    numbers, out = app.topic("numbers", int), app.topic("out")
    app.stream(numbers).key_by(lambda n: n, name="n").reduce(lambda one, other: one + other, name="sum").to(out)

    assert run(app, {numbers: [1, 1]})[out] == run(app, {numbers: [1, 1]})[out] == [1, 2]


def test_a_stream_from_the_latest_reads_only_what_comes() -> None:
    """What was in the topic before the job began is left out."""
    app = App("job")
    numbers, out = app.topic("numbers", int), app.topic("out")
    app.stream(numbers, start="latest").to(out)

    assert run(app, {numbers: [1, 2]})[out] == []


def test_values_of_a_typed_topic_are_checked() -> None:
    """A value that does not fit stops the job with its topic, partition and offset."""
    app = App("job")
    written, read = App("other").topic("events"), app.topic("events", Event)
    app.stream(read).to(app.topic("out"))

    with pytest.raises(Exception, match=r"events-0.*offset 1"):
        run(app, {written: [{"key": "a", "value": 1, "at": "2024-01-01T00:00:00Z"}, {"key": 1}]})


# --- tables ----------------------------------------------------------------------------------------------------------


def joined(how: str, table: list[tuple[int, Any]], numbers: list[int], function: Any = None) -> list[Any]:
    """Numbers joined with a table of pairs."""
    app = App("job")
    names = app.table(app.stream(table, name="names"), key=lambda pair: pair[0])
    keyed = app.stream(numbers, name="numbers").key_by(lambda n: n, name="n")
    return app.collect(keyed.join(names, function, how=how, name="named") if function else keyed.join(names, how=how))


def test_a_join_gives_the_latest_value_of_the_key() -> None:
    """Everything that was there is read first; a missing side is None."""
    table = [(1, "one"), (2, "two"), (1, "ONE")]

    assert joined("left", table, [1, 3]) == [(1, (1, "ONE")), (3, None)]


def test_an_inner_join_leaves_out_what_has_no_match() -> None:
    """The function is called for the others alone."""
    assert joined("inner", [(1, "one")], [1, 3, 1], lambda n, pair: (n, pair[1])) == [(1, "one"), (1, "one")]


def test_a_join_decorates_a_function_of_both_sides() -> None:
    """Which names it and stays callable; it may return None, which is a value."""
    app = App("job")
    names = app.table(app.stream([event(0, "a", 5)], name="prices"), key="key")

    @events_of(app, [event(1, "a", 2), event(2, "b", 3)]).key_by("key").join(names)
    def priced(one: Event, price: Event | None) -> int | None:
        return None if price is None else one.value * price.value

    assert priced.name == "priced"
    assert priced(event(0, value=2), None) is None
    assert app.collect(priced) == [10, None]


def test_a_failing_join_names_the_record() -> None:
    """Of the stream, not of the table."""
    with pytest.raises(OperatorError, match="operator 'named' failed on 3: TypeError"):
        joined("left", [(1, "one")], [1, 3], lambda n, pair: pair[1])


def test_a_none_in_a_tables_stream_takes_the_value_away() -> None:
    """As a record without a value does in a compacted topic."""
    app = App("job")
    changes = app.stream([1, None, 2], name="changes")
    table = app.table(changes, key=lambda value: "all")

    keyed = app.stream(["x"], name="values").key_by(lambda value: "all", name="key")

    assert app.collect(keyed.join(table, lambda value, latest: latest, name="latest")) == [2]


def test_a_joined_record_keeps_its_time() -> None:
    """The table's records have no part in event time, not even later ones."""
    app = App("job")
    table = app.table(events_of(app, [event(500, "a", 5)], name="prices"), key="key")
    events = events_of(app, [event(1, "a", 2), event(12, "a", 3)], name="orders")
    priced = events.key_by("key").join(table, lambda one, price: one.replace(value=price.value), name="priced")

    windows = priced.key_by(lambda one: one.key, name="k").window(tumbling("10s")).aggregate(n=agg.count())

    assert [(row.start, row.n) for row in app.collect(windows)] == [(at(0), 1), (at(10), 1)]
    assert app.collect(windows.late) == []


def test_a_table_is_read_from_a_topic() -> None:
    """All of its partitions, before the stream starts."""
    app = App("job")
    prices, orders, out = (app.topic(name, Event, partitions=3, key="key") for name in ("prices", "orders", "out"))
    keyed = app.stream(orders, event_time="at").key_by("key")
    keyed.join(app.table(prices, key="key"), lambda one, price: one.replace(value=price.value), name="priced").to(out)
    names = [f"k{number}" for number in range(20)]

    output = run(
        app,
        {
            orders: [event(1, name) for name in names],
            prices: [event(9, name, value) for value, name in enumerate(names)],
        },
    )

    assert sorted((one.key, one.value) for one in output[out]) == sorted((n, v) for v, n in enumerate(names))


def test_collect_over_a_topic_gives_what_the_job_would(tmp_path: Path) -> None:
    """Records lie where they were, with their keys and times: none of them is late because they were mixed anew."""
    app, data = App("job"), str(tmp_path / "data")
    source = app.topic("in", Event, partitions=2)
    with app.producer(data=data) as producer:
        for second in range(20):
            producer.send(source, event(second, "a"), key="a")
            producer.send(source, event(second * 10, "d"), key="d")
        for second in range(20, 40):
            producer.send(source, event(second, "a"), key="a")
    counts = app.stream(source, event_time="at").key_by("key").window(tumbling("10s")).aggregate(n=agg.count())
    logged = app.stream(source, name="logged").key_by("key").window(tumbling("1d")).aggregate(n=agg.count())

    assert app.collect(counts.late, data=data) == []
    assert sum(row.n for row in app.collect(counts, data=data)) == 60
    assert {row.end.year for row in app.collect(logged, data=data)} == {
        next(iter(app.consumer(source, data=data))).timestamp.year
    }


def test_collect_over_a_topic_of_more_partitions_than_declared_says_so(tmp_path: Path) -> None:
    """The program would read only some of it."""
    data = str(tmp_path / "data")
    wide, narrow = App("wide"), App("narrow")
    with wide.producer(data=data) as producer:
        for n in range(20):
            producer.send(wide.topic("in", int, partitions=4), n, key=n)

    with pytest.raises(TopicMismatch, match="topic .in. has .* partitions, and the program declares 1"):
        narrow.collect(narrow.stream(narrow.topic("in", int)), data=data)
