"""Windows close when an input falls silent, and go on when it comes back: whole jobs under virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest

from actorstream import App, agg, tumbling
from actorstream.log.client import encode_topic_key, partition_for_key
from actorstream.model.topic import Topic
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import Settings
from tests.streams.makers import Event, event, seconds

ONE, OTHER = (
    next(key for key in "abcdefgh" if partition_for_key(encode_topic_key(key), 2) == partition) for partition in (0, 1)
)


class Running:
    """A job over a topic of two partitions, that runs for as long as it is told."""

    def __init__(self, cluster: MemoryCluster, *, may_idle: bool = True, **options: Any) -> None:
        app = App("job")
        self.cluster = cluster
        self.source: Topic[Event] = app.topic("in", Event, partitions=2, key="key")
        self.counts: Topic[Any] = app.topic("counts")
        windows = app.stream(self.source, event_time="at", **options).key_by("key").window(tumbling("10s"))
        windows.aggregate(n=agg.count()).to(self.counts)
        self.give([])
        cluster.start(job_spec(app._program, Settings(idle=may_idle), report=Outcome().report))

    def give(self, events: Sequence[Event]) -> None:
        """Append to the topic."""
        self.cluster.write(self.source, events)

    def wait(self, wait: float) -> list[tuple[str, float, int]]:
        """Let time pass; what was committed until then: (key, start, count)."""
        until = self.cluster.host.clock.now_us() + round(wait * 1_000_000)
        self.cluster.system.run(until=lambda: self.cluster.host.clock.now_us() >= until)
        (records,) = self.cluster.read(self.counts)
        return [(value["key"], seconds(datetime.fromisoformat(value["start"])), value["n"]) for _, value in records]


@pytest.fixture
def cluster() -> Any:
    """A log in memory."""
    with closing(MemoryCluster()) as made:
        yield made


def test_a_silent_partition_holds_windows_back_until_it_is_idle(cluster: MemoryCluster) -> None:
    """After the silence that was asked for."""
    running = Running(cluster, idle="5s")
    running.give([event(0, ONE), event(3, OTHER), event(25, ONE)])

    assert running.wait(3) == []
    assert sorted(running.wait(4)) == sorted([(ONE, 0, 1), (OTHER, 0, 1)])


def test_an_empty_partition_becomes_idle_too(cluster: MemoryCluster) -> None:
    """Nothing ever came from it."""
    running = Running(cluster, idle="5s")
    running.give([event(0, ONE), event(25, ONE)])

    assert running.wait(7) == [(ONE, 0, 1)]


def test_when_all_are_silent_windows_close_by_the_time_that_passes(cluster: MemoryCluster) -> None:
    """From the highest of the partitions' own watermarks on."""
    running = Running(cluster, idle="5s")
    running.give([event(0, ONE), event(25, ONE)])

    assert running.wait(9) == [(ONE, 0, 1)]
    assert running.wait(3) == [(ONE, 0, 1), (ONE, 20, 1)]


def test_idleness_can_be_turned_off(cluster: MemoryCluster) -> None:
    """Then windows wait."""
    running = Running(cluster, may_idle=False)
    running.give([event(0, ONE), event(25, ONE)])

    assert running.wait(600) == []


def test_the_silence_is_learned_when_none_is_given(cluster: MemoryCluster) -> None:
    """A second for partitions that were never slow."""
    running = Running(cluster)
    running.give([event(0, ONE), event(25, ONE)])

    assert running.wait(3) == [(ONE, 0, 1)]


def test_a_partition_that_comes_back_holds_windows_back_again(cluster: MemoryCluster) -> None:
    """By its own time, step by step; not by how far its silence had carried it."""
    running = Running(cluster, idle="5s")
    running.give([event(1, OTHER)])
    for second in range(20):  # It falls silent, while the other goes on: slower than the clock.
        running.give([event(second / 10, ONE)])
        running.wait(4)

    running.give([event(12, OTHER)])
    running.wait(0.5)
    running.give([event(30, ONE), event(21, OTHER)])

    assert {one[1] for one in running.wait(2)} == {0, 10}
    assert (OTHER, 10, 1) in running.wait(0)
