"""Two coordinators of one job, and a coordinator without room: who goes on, who gives way, who says why."""

from __future__ import annotations

import pytest

from actorstream import App
from actorstream.errors import DiskFull, Fenced
from actorstream.host import Entropy, Host, MemoryDisk, VirtualClock
from actorstream.streams.job.coordinator import Coordinator
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import JobSpec, Settings
from actorstream.testing.life import epochs_begun

STEPS_MAX = 50_000


def doubling() -> tuple[App, MemoryCluster, list[int]]:
    """An app over numbers that are in the log, and the log."""
    app = App("doubling")
    numbers, doubles = app.topic("numbers", int), app.topic("doubles", int)
    app.stream(numbers).map(lambda number: number * 2).to(doubles)
    cluster = MemoryCluster(host=Host(VirtualClock(), Entropy(1), MemoryDisk()), seed=1)
    cluster.write(numbers, range(200), batch_records=5)
    return app, cluster, [number * 2 for number in range(200)]


def job(app: App, outcome: Outcome) -> JobSpec:
    """In many small steps."""
    settings = Settings(checkpoint_us=5_000, until="end", idle=False, fetch_bytes_max=1, gather_records=1)
    return job_spec(app._program, settings, report=outcome.report)


def start(app: App, cluster: MemoryCluster, name: str, steps: int = 0) -> Outcome:
    """Start a coordinator, let it get so far; how it ends."""
    outcome = Outcome()
    cluster.system.spawn(Coordinator, job(app, outcome), name=name)
    cluster.system.run(steps_max=steps)
    return outcome


def values(app: App, cluster: MemoryCluster) -> list[int]:
    """What is committed."""
    return [value for part in cluster.read(app._program.topics["doubles"]) for _, value in part]


@pytest.mark.parametrize("steps", [*range(1, 60, 3), 100, 150, 200, 300, 400])
def test_of_two_coordinators_one_gives_way_for_good(steps: int) -> None:
    """Whenever the second one comes: one brings the job to its end, the other ends before or is fenced."""
    app, cluster, expected = doubling()
    first = start(app, cluster, "first", steps)
    second = start(app, cluster, "second")

    cluster.system.run(until=lambda: first.is_known and second.is_known, steps_max=STEPS_MAX)

    assert first.is_known
    assert second.is_known
    assert None in (first.error, second.error)
    assert all(error is None or isinstance(error, Fenced) for error in (first.error, second.error))
    assert epochs_begun(cluster, "doubling") <= 5
    assert values(app, cluster) == expected


@pytest.mark.parametrize("steps", [1, 30, 60, 100, 150, 200])
def test_a_full_disk_ends_the_job_and_says_so(steps: int) -> None:
    """Whatever the coordinator or a task was about to write: the job ends with that reason, and goes on from there."""
    app, cluster, expected = doubling()
    disk = cluster.host.disk
    assert isinstance(disk, MemoryDisk)
    first = start(app, cluster, "first", steps)
    disk.capacity_bytes = disk.used_bytes

    cluster.system.run(until=lambda: first.is_known, steps_max=STEPS_MAX)

    assert isinstance(first.error, DiskFull)
    disk.capacity_bytes = None
    again = start(app, cluster, "again")
    cluster.system.run(until=lambda: again.is_known, steps_max=STEPS_MAX)
    assert again.is_known
    assert again.error is None
    assert values(app, cluster) == expected
