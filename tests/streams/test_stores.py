"""State in RocksDB: the same results as in memory, nothing left behind, and nothing lost with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import pytest

from actorstream import App, Key, ListState, MapState, State, Timer, ValueState, agg, session, sliding, tumbling
from actorstream.errors import MissingExtra, OperatorError, PlanError
from actorstream.host import rocks_map
from tests.streams.makers import Event, event

needs_rocksdb = pytest.mark.skipif(find_spec("rocksdict") is None, reason="rocksdict is not installed")


def events(start: int, stop: int) -> list[Event]:
    """Events of many keys, a few out of order."""
    return [event(number // 7 - number % 3, f"k{number * 7919 % 300}", number) for number in range(start, stop)]


def program(fail_at: int | None = None) -> App:
    """Every kind of state over the same events; `fail_at`: the value at which a function raises."""
    app = App("states")
    topic = app.topic("events", type=Event, key="key")
    keyed = app.stream(topic, event_time="at", max_delay="5s").key_by("key")

    @keyed.process
    def kept(
        one: Event,
        key: Key[str],
        total: Annotated[ValueState[int], State(default=0)],
        seen: ListState[int],
        by_rest: MapState[int, int],
    ) -> str:
        if one.value == fail_at:
            raise RuntimeError("broken")
        total.set(total.get() + one.value)
        seen.append(one.value)
        by_rest[one.value % 3] = by_rest.get(one.value % 3, 0) + 1
        return f"{key} {total.get()} {len(seen)} {sorted(by_rest.items())}"

    @keyed.process
    def timed(
        one: Event, count: Annotated[ValueState[int], State(default=0, ttl="40s")], timer: Timer
    ) -> Iterator[str]:
        count.set(count.get() + 1)
        timer.at(one.at)
        yield from ()

    @timed.on_timer
    def later(at: datetime, key: Key[str], count: Annotated[ValueState[int], State(default=0, ttl="40s")]) -> str:
        return f"{key} {at} {count.get()}"

    every = {
        "kept": kept,
        "timed": timed,
        "largest": keyed.reduce(lambda a, b: a if a.value > b.value else b, name="largest"),
        "running": keyed.aggregate(n=agg.count(), name="running"),
        "tumbling": keyed.window(tumbling("20s")).aggregate(sum=agg.sum("value"), name="tumbling"),
        "sliding": keyed.window(sliding("20s", every="5s")).aggregate(last=agg.last("value"), name="sliding"),
        "sessions": keyed.window(session("4s")).aggregate(n=agg.count(), name="sessions"),
    }
    for name, stream in every.items():
        stream.map(str, name=f"text-{name}").to(app.topic(f"out-{name}", type=str))
    return app


def write(data: Path, values: list[Event]) -> None:
    """Append events to the input."""
    app = program()
    with app.producer(data=str(data)) as producer:
        for one in values:
            producer.send(app._program.topics["events"], one)


def read(data: Path) -> dict[str, list[str]]:
    """What was committed to each topic, sorted: several partitions have no order among them."""
    app = program()
    found = {}
    for name in app._program.topics:
        if name.startswith("out-"):
            with app.consumer(name, data=str(data)) as consumer:
                found[name] = sorted(record.value for record in consumer)
    return found


def run_twice(data: Path, states: tuple[str, str], fail_at: int | None = None) -> dict[str, list[str]]:
    """Half of the input with the first, the rest with the second place for the state."""
    first, second = states
    write(data, events(0, 1_500))
    program().run(data=str(data), until="caught_up", state=first)
    write(data, events(1_500, 3_000))
    if fail_at is not None:
        with pytest.raises(OperatorError, match="broken"):
            program(fail_at).run(data=str(data), until="end", state=second)
    program().run(data=str(data), until="end", state=second)
    return read(data)


@needs_rocksdb
def test_a_job_gives_the_same_wherever_its_state_is_kept(tmp_path: Path) -> None:
    """Also when the place changes between two runs, and when a run in between has failed."""
    expected = run_twice(tmp_path / "memory", ("memory", "memory"))

    assert run_twice(tmp_path / "rocksdb", ("rocksdb", "rocksdb"), fail_at=2_500) == expected
    assert run_twice(tmp_path / "both", ("memory", "rocksdb")) == expected
    assert all(expected.values())


@needs_rocksdb
def test_nothing_is_left_of_it_when_the_job_has_ended(tmp_path: Path) -> None:
    """Neither of this run, nor of one that was killed."""
    write(tmp_path, events(0, 50))
    left = tmp_path / "state" / "states" / "kept[0]" / "map-old"
    left.mkdir(parents=True)

    program().run(data=str(tmp_path), until="end", state="rocksdb")

    assert list((tmp_path / "state").rglob("map-*")) == []


def test_there_is_no_third_place(tmp_path: Path) -> None:
    """The error names those there are."""
    wrong: Any = "disk"

    with pytest.raises(PlanError, match='"memory" or "rocksdb"'):
        program().run(data=str(tmp_path), state=wrong)


def test_without_the_library_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is started."""
    monkeypatch.setattr(rocks_map, "find_spec", lambda name: None)

    with pytest.raises(MissingExtra, match=r"pip install 'actorstream\[rocksdb\]'"):
        program().run(data=str(tmp_path), state="rocksdb")
