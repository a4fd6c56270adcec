"""What users see of a job whose tasks live on other nodes: the same as of one in their process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from actorstream import App, Record
from actorstream.actors import Ref
from actorstream.errors import OperatorError, PlanError, RemoteError
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.messages import (
    GetStatus,
    Holders,
    JobStatus,
    SavepointTaken,
    StateRead,
    TakeSavepoint,
    WhyOpen,
)
from actorstream.streams.job.placing import node_for
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.reading import question
from actorstream.streams.job.spec import JobSpec, Settings

NODES = 3


class Reading(Record):
    """What a sensor says."""

    sensor: str
    value: int


READINGS = [Reading("abc"[number % 3], number) for number in range(60)]


def add(total: Reading, reading: Reading) -> Reading:
    """The sum."""
    return total.replace(value=total.value + reading.value)


def sums(parallelism: int = 3) -> App:
    """Running sums of each sensor."""
    app = App("sums")
    readings = app.topic("readings", Reading, partitions=2)
    keyed = app.stream(readings).key_by("sensor")
    keyed.reduce(add, name="sum", parallelism=parallelism).to(app.topic("totals", Reading))
    return app


@contextmanager
def started(
    app: App, *, installed: App | None = None, nodes: int = NODES, **options: Any
) -> Iterator[tuple[MemoryCluster, JobSpec, Outcome]]:
    """The job over its input, with its tasks on nodes where `installed` is the program."""
    outcome = Outcome()
    spec = job_spec(app._program, Settings(nodes=nodes, idle=False, **options), report=outcome.report)
    programs = {app.name: lambda: job_spec((installed or app)._program, Settings()).plan}
    cluster = MemoryCluster(seed=5, nodes=nodes, programs=programs)
    cluster.write(app._program.topics["readings"], READINGS, batch_records=3)
    cluster.start(spec)
    try:
        yield cluster, spec, outcome
    finally:
        cluster.close()


def until_read(cluster: MemoryCluster) -> None:
    """All input is processed, and checkpointed."""
    cluster.system.run(until=lambda: status(cluster).progress_of("sum") == len(READINGS), steps_max=200_000)


class Status:
    """How the job is doing."""

    def __init__(self, status: JobStatus) -> None:
        self.status = status

    def progress_of(self, operator: str) -> int:
        """The records that an operator has taken."""
        return sum(one.records_in for task, one in self.status.progress.items() if task.startswith(operator))


def status(cluster: MemoryCluster) -> Status:
    """Asked of the coordinator."""
    cluster.system.run(steps_max=100)
    answer = cluster.ask(Ref("job-sums"), GetStatus())
    assert isinstance(answer, JobStatus)
    return Status(answer)


def test_no_task_lives_beside_the_log() -> None:
    """Instances of one number share a node."""
    with started(sums()) as (cluster, _, _):
        until_read(cluster)
        kernels = cluster.system.world.kernels()
        found = {
            name: sorted(path.rpartition("/")[2] for path in kernel.cells if path.startswith("job-sums/"))
            for name, kernel in kernels.items()
        }

        assert [ref.path for ref in cluster.system.actors() if ref.path.startswith("job-sums/")] == []
        assert [len(names) for names in found.values()] == [2, 2, 1]
        assert all(name.endswith("[0]") for name in found["node-1"])


def test_state_is_read_where_it_is() -> None:
    """By key, now and as of the last checkpoint."""
    with started(sums()) as (cluster, spec, _):
        until_read(cluster)
        for sensor in "abc":
            ref, read = question(spec, "job-sums", "sum", sensor, decided=True)
            answer = cluster.ask(ref, read)

            assert isinstance(answer, StateRead)
            assert answer.value == Reading(sensor, sum(one.value for one in READINGS if one.sensor == sensor))


def test_savepoints_and_times_are_told() -> None:
    """As in one process."""
    with started(sums()) as (cluster, _, _):
        until_read(cluster)
        taken = cluster.ask(Ref("job-sums"), TakeSavepoint("friday"))
        holders = cluster.ask(Ref("job-sums"), WhyOpen(1))

        assert isinstance(taken, SavepointTaken)
        assert isinstance(holders, Holders)


def test_a_lost_node_is_another_epoch() -> None:
    """Its tasks go on elsewhere, and what is committed is what it would have been."""
    with started(sums(), until="end", checkpoint_us=3_000, fetch_bytes_max=1) as (cluster, spec, outcome):
        cluster.system.run(until=lambda: len(cluster.system.world.actors()) >= 5, steps_max=100_000)
        cluster.system.run(steps_max=400)
        assert cluster.system.world.crash("node-2")
        cluster.system.run(until=lambda: outcome.is_known, steps_max=500_000)
        outcome.raise_error()
        totals = [value for part in cluster.read(spec_topic(spec, "totals")) for _, value in part]

        assert status(cluster).status.restarts > 0
        assert len(totals) == len(READINGS)
        assert {one.sensor: one.value for one in totals} == {
            sensor: sum(one.value for one in READINGS if one.sensor == sensor) for sensor in "abc"
        }


def test_the_loss_of_a_node_is_one_failure_of_the_job() -> None:
    """However many tasks lived there: it does not use up the restarts that a job may have."""
    few = Settings().restarts_max
    app = sums(parallelism=few + 2)
    with started(app, nodes=1, until="end", checkpoint_us=3_000, fetch_bytes_max=1) as (cluster, _, outcome):
        for _ in range(few - 1):
            cluster.system.run(until=lambda: len(cluster.system.world.actors()) > few, steps_max=100_000)
            assert cluster.system.world.crash("node-1")
            cluster.system.run(until=lambda: not cluster.system.world.actors(), steps_max=100_000)
        cluster.system.run(until=lambda: outcome.is_known, steps_max=500_000)

        assert outcome.error is None


def spec_topic(spec: JobSpec, name: str) -> Any:
    """A topic of the job."""
    return next(topic for topic in spec.topics if getattr(topic, "name", "") == name)


def fail_at_40(reading: Reading) -> Reading:
    """As users' functions do."""
    if reading.value == 40:
        raise ValueError("too much")
    return reading


def failure(nodes: int) -> OperatorError:
    """What it fails with."""
    app = App("sums")
    readings = app.topic("readings", Reading, partitions=2)
    app.stream(readings).map(fail_at_40).to(app.topic("totals", Reading))
    with started(app, nodes=nodes, until="end") as (cluster, _, outcome):
        cluster.system.run(until=lambda: outcome.is_known, steps_max=200_000)
        with pytest.raises(OperatorError) as caught:
            outcome.raise_error()
    return caught.value


def test_an_error_of_the_program_is_what_it_would_be_in_one_process() -> None:
    """Class, text and facts; its cause was raised elsewhere, and says so."""
    here, there = failure(0), failure(NODES)

    assert str(there) == str(here)
    assert vars(there) == vars(here)
    assert isinstance(here.__cause__, ValueError)
    assert isinstance(there.__cause__, RemoteError)
    assert "fail_at_40" in there.__cause__.trace


def test_another_version_of_the_program_on_a_node_is_refused() -> None:
    """In a sentence that says what to do."""
    other = App("sums")
    readings = other.topic("readings", Reading, partitions=2)
    other.stream(readings).to(other.topic("totals", Reading))
    with started(sums(), installed=other) as (cluster, _, outcome):
        cluster.system.run(until=lambda: outcome.is_known, steps_max=100_000)

        with pytest.raises(PlanError, match="another version of this program"):
            outcome.raise_error()


def hidden(reading: Reading) -> Any:
    """What only this process can hold."""
    return (one for one in [reading])


def test_values_that_cannot_leave_a_node_end_the_job_with_a_reason() -> None:
    """Rather than being tried again and again."""
    app = App("sums")
    readings = app.topic("readings", Reading, partitions=2)
    both = app.stream(readings).map(hidden, name="hidden")
    both.union(app.stream(readings).map(hidden, name="too")).map(next, name="shown").to(app.topic("totals", Reading))
    with started(app, until="end") as (cluster, _, outcome):
        cluster.system.run(until=lambda: outcome.is_known, steps_max=200_000)

        with pytest.raises(ValueError, match="cannot leave its node"):
            outcome.raise_error()


def test_while_a_node_is_down_another_takes_its_place() -> None:
    """And what has no place waits for its own."""
    assert [node_for(instance, 3, ["node-0", "node-1", "node-2", "node-3"]) for instance in range(4)] == [
        "node-1",
        "node-2",
        "node-3",
        "node-1",
    ]
    assert node_for(1, 3, ["node-0", "node-3"]) == "node-3"
    assert node_for(1, 3, ["node-0"]) == "node-2"
