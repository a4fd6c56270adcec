"""Splits wait for slower ones, and who keeps a window open can be found out."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream import App, Record, agg, tumbling
from actorstream.model.instant import END_OF_TIME
from actorstream.streams.job.holders import holder
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.messages import Holders, WhyOpen
from actorstream.streams.job.pacing import Pacing, Place, meeting
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.source_task import SourceTask
from actorstream.streams.job.spec import Settings

START = datetime(2013, 1, 1, tzinfo=UTC)
MINUTE = 60_000_000


class Event(Record):
    split: int
    at: datetime


def program(partitions: int = 2) -> tuple[App, Any, Any]:
    """Counts an hour, over a topic whose partition is chosen by the events' key."""
    app = App("paced")
    source = app.topic("in", Event, partitions=partitions, key="split")
    counts = app.topic("counts")
    windows = app.stream(source, event_time="at").key_by(lambda event: "all", name="who").window(tumbling("1h"))
    windows.aggregate(n=agg.count()).to(counts)
    return app, source, counts


def far_and_near(app: App, source: Any, cluster: MemoryCluster) -> list[int]:
    """One split with an event every ten minutes, the other with ten a minute; gives two keys that part them."""
    keys = [0, next(key for key in range(1, 100) if _partition(key) != _partition(0))]
    sparse = [Event(keys[0], START + timedelta(minutes=10 * n)) for n in range(30)]
    dense = [Event(keys[1], START + timedelta(seconds=6 * n)) for n in range(3_000)]
    for place in range(0, 3_000, 10):
        cluster.write(source, sparse[place // 100 : place // 100 + 1] if place % 100 == 0 else [])
        cluster.write(source, dense[place : place + 10])
    return keys


def _partition(key: int) -> int:
    from actorstream.log.client import encode_topic_key, partition_for_key

    return partition_for_key(encode_topic_key(key), 2)


def apart_us(drift_us: int) -> int:
    """How far apart the two splits get while a job reads them, one batch after the other."""
    app, source, _ = program()
    with closing(MemoryCluster(seed=3)) as cluster:
        far_and_near(app, source, cluster)
        outcome = Outcome()
        told = Settings(until="end", idle=False, fetch_bytes_max=1, max_drift_us=drift_us)
        cluster.start(job_spec(app._program, told, report=outcome.report))
        furthest = 0
        while not outcome.is_known:
            cluster.system.run(until=lambda: outcome.is_known, steps_max=5)
            cells = cluster.system._kernel.cells.values()
            tasks = [cell.instance for cell in cells if isinstance(cell.instance, SourceTask)]
            places = [task.timeline.watermark for task in tasks if not task._told_end]
            if len(places) == 2 and min(places) > 0:
                furthest = max(furthest, max(places) - min(places))
        assert outcome.error is None
        return furthest


def test_schedule_36_a_split_waits_for_the_slowest() -> None:
    """By `max_drift`, and what a batch and a report may add; without it one runs away from the other."""
    assert apart_us(30 * MINUTE) <= 30 * MINUTE + 10 * MINUTE + 30 * MINUTE // 4
    assert apart_us(0) > 120 * MINUTE


MOVES = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["move", "move", "move", "idle", "end"])), max_size=80)


@settings(max_examples=200)
@given(MOVES, st.lists(st.integers(1, 50), min_size=4, max_size=4))
def test_the_slowest_never_waits_and_nobody_is_further_ahead_than_told(
    moves: list[tuple[int, str]], strides: list[int]
) -> None:
    """Whatever the order in which splits move, fall silent, come back, and end."""
    drift = 100
    pacing = Pacing([["0", "1", "2", "3"]], drift)
    places = [Place(drift) for _ in range(4)]
    at: list[int | None] = [None] * 4
    counts: list[bool] = [False] * 4
    ended = [False] * 4

    def report(split: int, watermark: int | None) -> None:
        counts[split] = watermark is not None
        if places[split].report(watermark):
            for name, limit in pacing.on_moved(str(split), watermark).items():
                places[int(name)].limit = limit

    for split, what in moves:
        if ended[split]:
            continue
        if what != "move":
            ended[split] = what == "end"
            report(split, None)
            continue
        before = at[split]
        if before is not None and places[split].is_held(before):
            slowest = min(one for one, counting in zip(at, counts, strict=True) if counting and one is not None)
            assert before > slowest + drift // 2
            continue
        after = (0 if before is None else before) + strides[split]
        at[split] = after
        report(split, after)


def test_what_holds_nobody_back_lets_all_go() -> None:
    """The last that counts has fallen silent."""
    pacing = Pacing([["a", "b"], ["c"]], 100)

    assert pacing.on_moved("a", 1_000) == {"a": 1_100, "b": 1_100}
    assert pacing.on_moved("a", 1_020) == {}
    assert pacing.on_moved("c", 5) == {"c": 105}
    assert pacing.on_moved("a", None) == {"a": END_OF_TIME, "b": END_OF_TIME}
    assert pacing.on_moved("stranger", 5) == {}


def test_sources_meet_where_their_times_do() -> None:
    """In a union, not in a table, and not where each goes its own way."""
    app = App("meeting")
    one, two = app.topic("one", Event), app.topic("two", Event)
    names = app.table(app.topic("names", Event, key="split"), key="split")
    first, second = app.stream(one, event_time="at"), app.stream(two, event_time="at", name="second")
    first.union(second).key_by("split").join(names, name="named").to(app.topic("out"))
    app.stream(app.topic("three", Event), name="alone").to(app.topic("copy"))

    groups = meeting(job_spec(app._program, Settings(), report=Outcome().report).plan)

    assert [sorted(group) for group in groups] == [["one", "second"]]


def test_who_keeps_a_window_open_is_named() -> None:
    """The split that is behind, and what it does; none when the window has closed."""
    app, source, _ = program()
    with closing(MemoryCluster()) as cluster:
        keys = [0, next(key for key in range(1, 100) if _partition(key) != _partition(0))]
        events = [Event(keys[0], START), Event(keys[1], START + timedelta(hours=3))]
        cluster.write(source, events)
        coordinator = cluster.start(job_spec(app._program, Settings(idle=False), report=Outcome().report))
        until = cluster.host.clock.now_us() + 3_000_000
        cluster.system.run(until=lambda: cluster.host.clock.now_us() >= until)

        def why(end: datetime) -> list[str]:
            answer = cluster.ask(coordinator, WhyOpen(int(end.timestamp()) * 1_000_000))
            assert isinstance(answer, Holders)
            return [str(holder(one)) for one in answer.holders]

        (behind,) = why(START + timedelta(hours=1))
        assert behind.startswith(f"in[{_partition(keys[0])}] is at 2013-01-01T00:00:00Z, and silent")
        assert len(why(START + timedelta(hours=4))) == 2
        assert why(START) == []


def test_a_job_tells_who_keeps_a_window_open(tmp_path: Path) -> None:
    """Through its handle, from a window's end."""
    app, source, _ = program()
    data = str(tmp_path / "data")
    with app.producer(data=data) as producer:
        producer.send(source, Event(0, START))
    with app.start(data=data) as job:
        holders = job.why_open(START + timedelta(hours=1))

    assert f"in[{_partition(0)}]" in [one.task for one in holders]


def test_a_place_reports_what_is_news() -> None:
    """A good part of the drift, a step back, silence; not the same again."""
    place = Place(100)

    assert [place.report(at) for at in (5, 10, 29, 30, 30, None, None, 30, 3)] == [
        *(True, False, False, True, False, True, False, True, True)
    ]
