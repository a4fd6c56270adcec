"""The ends of paths: topics, a function, sinks of one's own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actorstream import App, agg, skip, tumbling
from actorstream.connectors import files
from actorstream.errors import BadInput, OperatorError
from actorstream.model.topic import Topic
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.sinks import TopicSinkStage
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import Settings
from actorstream.streams.plan import nodes
from actorstream.testing import run
from tests.streams.makers import Event, at, event, events_of, us


def written(app: App, topic: Topic[Any]) -> list[list[tuple[bytes | None, Any]]]:
    """For each partition of a topic the keys and values that the app writes."""
    outcome, cluster = Outcome(), MemoryCluster()
    try:
        cluster.run(job_spec(app._program, Settings(until="end", idle=False), report=outcome.report), outcome)
        return cluster.read(topic)
    finally:
        cluster.close()


def test_a_record_has_the_key_of_its_stream() -> None:
    """Also after a filter, which keeps it; a `map` drops it."""
    app = App("job")
    keyed = events_of(app, [event(0, "a"), event(1, "b")]).key_by("key")
    kept, dropped = app.topic("kept"), app.topic("dropped")
    keyed.filter(lambda one: True).to(kept)
    keyed.map(lambda one: one.value).to(dropped)

    assert [key for key, _ in written(app, kept)[0]] == [b"a", b"b"]
    assert [key for key, _ in written(app, dropped)[0]] == [None, None]


@pytest.mark.parametrize("key", ["value", lambda one: one.value])
def test_the_key_of_the_topic_comes_first(key: str | Callable[[Any], Any]) -> None:
    """A field's name, or a function of the value."""
    app = App("job")
    topic = app.topic("out", Event, key=key)
    events_of(app, [event(0, "a", 7)]).key_by("key").to(topic)

    assert written(app, topic) == [[(b"7", event(0, "a", 7))]]


def test_records_of_one_key_go_to_one_partition() -> None:
    """And those without a key to all."""
    app = App("job")
    keyed, free = app.topic("keyed", partitions=4), app.topic("free", partitions=4)
    stream = app.stream(range(40), name="numbers")
    stream.key_by(lambda n: n % 8, name="n").to(keyed)
    stream.to(free)

    places: dict[Any, set[int]] = {}
    for partition, records in enumerate(written(app, keyed)):
        for _, value in records:
            places.setdefault(value % 8, set()).add(partition)

    assert {len(where) for where in places.values()} == {1}
    assert len({where.pop() for where in places.values()}) > 1
    assert [len(records) for records in written(app, free)] == [10, 10, 10, 10]


def sink_of(topic: Topic[Any]) -> TopicSinkStage:
    """The stage that ends a path in a topic; its clock says 7."""
    source = nodes.Source(name="source")
    return TopicSinkStage(nodes.ToTopic(name="to", inputs=(source,), topic=topic), lambda: 7_000)


def test_a_records_timestamp_is_its_event_time() -> None:
    """In milliseconds, as the log keeps them; without an event time it is the clock's."""
    sink = sink_of(Topic("out"))

    sink.push(Batch(["a", "b"], times=[us(1.5), us(2) - 1]))
    sink.push(Batch(["c"]))

    assert sink.take()[0].timestamps_ms == [1500, 1999, 7]


def test_a_windows_timestamp_is_just_before_its_end() -> None:
    """So that the next window over the topic counts it where it belongs."""
    app = App("job")
    counts = app.topic("counts")
    windows = events_of(app, [event(0), event(12)]).key_by("key").window(tumbling("10s")).aggregate(n=agg.count())
    windows.to(counts)
    again = App("again")
    hours = again.stream(again.topic("counts")).key_by("key").window(tumbling("10s")).aggregate(n_=agg.sum("n"))
    sums = again.topic("sums")
    hours.to(sums)
    outcome, cluster = Outcome(), MemoryCluster()

    try:
        for one in (app, again):
            outcome = Outcome()
            cluster.run(job_spec(one._program, Settings(until="end", idle=False), report=outcome.report), outcome)
        starts = [value["start"] for _, value in cluster.read(sums)[0]]
    finally:
        cluster.close()

    assert starts == ["2024-01-01T00:00:00Z", "2024-01-01T00:00:10Z"]


def test_what_was_taken_from_a_sink_is_gone() -> None:
    """By partition, in order; what a rollback forgets, too."""
    sink = sink_of(Topic("out", partitions=2))
    sink.push(Batch(["a", "b", "c"]))

    taken = sink.take()
    sink.push(Batch(["d"]))
    sink.restored()

    assert list(taken) == [0, 1]
    assert (sink.take(), sink.gathered()) == ({}, 0)


def test_a_value_that_has_no_json_is_named_with_its_place() -> None:
    """A person's mistake, not the first record's of its batch."""
    app = App("job")
    numbers = app.topic("numbers", int)
    app.stream(numbers).map(lambda n: object() if n == 2 else n).to(app.topic("out"))

    with pytest.raises(
        BadInput, match=r"topic 'out' was given <object.* \(from numbers-0 at offset 1\): a value cannot"
    ):
        run(app, {numbers: [1, 2, 3]})


def test_a_topic_without_records_is_an_empty_list() -> None:
    """As is one that the app never heard of."""
    app = App("job")
    empty = app.topic("empty")
    app.stream([1]).filter(lambda n: False).to(empty)

    output = run(app)

    assert output[empty] == []
    assert output[Topic("other")] == []


def test_a_function_is_called_with_each_value() -> None:
    """It stays a function; what it raises stops the job with operator and record."""
    app = App("job")
    seen: list[int] = []

    @app.stream([1, 2, 3]).sink
    def look(n: int) -> None:
        if n == 3:
            raise ValueError("three")
        seen.append(n)

    with pytest.raises(OperatorError, match="operator 'look' failed on 3: ValueError: three"):
        run(app)

    assert seen == [1, 2]
    look(7)
    assert seen == [1, 2, 7]


class Kept:
    """A sink of one's own, without a way back."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def write(self, values: Sequence[Any]) -> None:
        """Keep them."""
        self.values.extend(values)


class Prepared(Kept):
    """One with two phases; only what was committed is in `values`."""

    def __init__(self) -> None:
        super().__init__()
        self.prepared: dict[str, list[Any]] = {}
        self.committed: list[str] = []

    def open(self, handle: str) -> _Part:
        """A writer for one handle."""
        return _Part(self, handle)

    def commit(self, handle: str) -> None:
        """Make it visible; the second time there is nothing to do."""
        self.values.extend(self.prepared.pop(handle, []))
        self.committed.append(handle)

    def abort(self, keep: Collection[str], prefix: str) -> None:
        """Forget the others."""
        self.prepared = {
            handle: values
            for handle, values in self.prepared.items()
            if handle in keep or not handle.startswith(prefix)
        }


class _Part:
    def __init__(self, sink: Prepared, handle: str) -> None:
        self._sink, self._handle = sink, handle
        self._values: list[Any] = []

    def write(self, values: Sequence[Any]) -> None:
        """Take some."""
        self._values.extend(values)

    def prepare(self) -> None:
        """Keep them safe."""
        self._sink.prepared[self._handle] = self._values


@pytest.mark.parametrize("kind", [Kept, Prepared])
def test_a_sink_of_ones_own_is_given_all_values(kind: type[Kept]) -> None:
    """With one phase or with two; nothing is left over."""
    app, sink, done = App("job"), kind(), App("job").topic("done")
    app.stream(range(20_000), name="numbers").to(sink)

    written(app, done)

    assert sink.values == list(range(20_000))
    assert getattr(sink, "prepared", {}) == {}


def test_a_test_writes_nothing_where_a_two_phase_sink_leads() -> None:
    """`run` keeps its values in memory, and gives them by the sink."""
    app, sink = App("job"), Prepared()
    app.stream([1, 2]).to(sink)

    assert run(app)[sink] == [1, 2]
    assert (sink.values, sink.committed) == ([], [])


def test_one_stream_may_end_in_several_places() -> None:
    """Each gets everything."""
    app, sink = App("job"), Kept()
    one, two = app.topic("one"), app.topic("two")
    doubled = app.stream([1, 2]).map(lambda n: n * 2)
    for target in (one, two, sink):
        doubled.to(target)

    output = run(app)

    assert (output[one], output[two], sink.values) == ([2, 4], [2, 4], [2, 4])


def test_times_before_1970_are_written_as_the_first_moment() -> None:
    """The log's timestamps begin there."""
    sink = sink_of(Topic("out"))

    sink.push(Batch(["a"], times=[-us(5)]))

    assert sink.take()[0].timestamps_ms == [0]


def test_naive_times_are_written_as_utc() -> None:
    """In values without a type, too."""
    app = App("job")
    out = app.topic("out")
    app.stream([{"at": datetime(2024, 1, 1)}]).to(out)

    assert run(app)[out] == [{"at": "2024-01-01T00:00:00Z"}]
    assert at(0) == datetime(2024, 1, 1, tzinfo=UTC)


def test_a_job_counts_what_it_writes_into_sinks_of_every_kind(tmp_path: Path) -> None:
    """Into a topic, into files, and what a function took; not what a policy left out."""
    app = App("job")
    numbers = app.stream([1, 2, 3, 4, 5], name="numbers")
    numbers.to(app.topic("all"))
    numbers.map(lambda number: {"n": number}, name="objects").to(files.jsonl(str(tmp_path / "parts")))

    @numbers.sink(on_error=skip)
    def inverted(number: int) -> None:
        _ = 1 / (number - 2)

    job = app.start(data=tmp_path / "data")
    job.wait()

    tasks = job.status().progress.values()
    assert sum(task.records_out for task in tasks) == 5 + 5 + 4
    assert sum(task.skipped for task in tasks) == 1
