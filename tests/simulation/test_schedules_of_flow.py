"""The schedules that break simpler protocols: those about how much flows, and who waits.

Their numbers are those of the design's list of schedules; the others are in `test_schedules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from actorstream import App, agg
from actorstream.actors.flow import NOTHING, Amount, Inlet, Pace
from actorstream.actors.flow.amount import FIRST_WINDOW
from actorstream.errors import ChannelBroken
from actorstream.streams.engine.pausable import PIECE_RECORDS
from actorstream.streams.job.coordinator import Coordinator
from actorstream.streams.job.inner_task import InnerTask
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.source_task import SourceTask
from actorstream.streams.job.spec import Settings
from actorstream.streams.job.task import Task
from actorstream.testing import Faults, run, simulate
from tests.simulation import job_plants, workloads


def tasks(cluster: MemoryCluster, kind: type[Task] = Task) -> Iterator[Any]:
    """The tasks that live, as objects: what waits in them is nobody's to ask."""
    for cell in cluster.system._kernel.cells.values():
        if isinstance(cell.instance, kind):
            yield cell.instance


def backlog(task: Any) -> int:
    """How many records wait in a task's lanes."""
    return sum(outlet.backlog.records for outlet in task.outlets._outlets.values())


def run_watched(
    app: App, inputs: dict[Any, Any], look: Callable[[MemoryCluster], None], seed: int, batch_records: int = 200
) -> MemoryCluster:
    """Run a job to its end, and look at it after each step."""
    cluster, outcome = MemoryCluster(seed=seed), Outcome()
    for topic, values in inputs.items():
        cluster.write(topic, values, batch_records=batch_records)
    cluster.system.on_step.append(lambda: look(cluster))
    settings = Settings(
        checkpoint_us=5_000, until="end", idle=False, fetch_bytes_max=1 if batch_records == 1 else 1 << 20
    )
    cluster.system.spawn(Coordinator, job_spec(app._program, settings, report=outcome.report), name=f"job-{app.name}")
    cluster.system.run(until=lambda: outcome.is_known)
    outcome.raise_error()
    return cluster


def barrier_from_the_future() -> list[Any]:
    """A source is in epoch 6 before its receiver, which is in 5; gives what the receiver takes of epoch 6."""
    inlet: Inlet[str] = Inlet("c")
    inlet.open(5)
    inlet.put(6, 0, "barrier of 6", NOTHING)
    inlet.open(6)
    inlet.put(6, 1, "batch of 6", Amount(1, 8))
    return [inlet.take(0)[0] for _ in range(len(inlet))]


def test_schedule_11_a_barrier_from_the_future_breaks_the_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """11: it would be lost when the receiver gets there; without the rule, nobody would notice."""
    with pytest.raises(ChannelBroken, match="epoch 6 came, but it is open for epoch 5"):
        barrier_from_the_future()

    job_plants.a_higher_epoch_is_accepted(monkeypatch)

    assert barrier_from_the_future() == ["batch of 6"]


@pytest.mark.parametrize("seed", range(3))
def test_schedule_35_many_are_made_in_pieces(seed: int) -> None:
    """35: a record that becomes ten thousand, and a window of many keys, wait for credit between pieces."""
    app = App("many")
    ones, out = app.topic("ones", int), app.topic("out", int)
    spread = app.stream(ones).flat_map(lambda one: range(one * 10_000, (one + 1) * 10_000))
    counts = spread.key_by(lambda n: n % 9_000, name="rest").aggregate(name="counting", n=agg.count())
    counts.filter(lambda row: row.n == 4).map(lambda row: row.n).to(out)
    most = [0]

    def look(cluster: MemoryCluster) -> None:
        most[0] = max([most[0], *map(backlog, tasks(cluster))])

    cluster = run_watched(app, {ones: [0, 1, 2, 3]}, look, seed)

    assert 0 < most[0] <= PIECE_RECORDS
    assert (
        sum(len(part) for part in cluster.read(out)) == 9_000
    )  # Each of the 9,000 keys has four or more of the 40,000.


def test_schedule_35_pauses_survive_crashes() -> None:
    """35: and no checkpoint falls between two pieces."""
    app = App("many")
    ones, out = app.topic("ones", int, partitions=2), app.topic("out", dict, partitions=2, key="key")
    spread = app.stream(ones).flat_map(lambda one: range(one * 5_000, (one + 1) * 5_000))
    counted = spread.key_by(lambda n: n % 3, name="third").aggregate(name="counting", n=agg.count())
    counted.filter(lambda row: row.n % 2_500 == 0).map(lambda row: {"key": row.third, "n": row.n}).to(out)

    simulate(app, {ones: range(6)}, seeds=range(6), faults=Faults.all())


def test_schedule_36_a_stream_far_ahead_waits_for_the_barrier_alone() -> None:
    """36: no input is refused but by alignment, so a join or a union whose inputs differ in speed cannot stop."""
    job = workloads.both()
    (lefts, _), (rights, _) = job.inputs.items()
    inputs = {lefts: range(1_500), rights: range(3)}
    (sums,) = (topic for name, topic in job.app._program.topics.items() if name == "sums")
    expected = len(run(job.app, inputs)[sums])

    cluster = run_watched(job.app, inputs, lambda cluster: None, 1)

    assert sum(len(part) for part in cluster.read(sums)) == expected


def test_schedule_37_a_barrier_waits_for_a_quarter_of_the_interval_at_most() -> None:
    """37: whatever the receiver's speed, what is on its way is taken within the horizon."""
    interval_us = 100_000
    for records_a_second in (20_000, 50_000, 400_000):
        inlet: Inlet[int] = Inlet("c", min(50_000, interval_us // 4))
        granted, taken, now_us = inlet.open(1).records, 0, 0
        for number in range(2_000):
            weight = Amount(records_a_second // 1_000, 8)
            inlet.put(1, number, number, weight)
            inlet.take(now_us)
            taken += weight.records
            grant = inlet.grant()
            granted = granted if grant is None else grant.limit.records
            now_us += 1_000

        assert (granted - taken) / records_a_second <= 1.05 * interval_us / 4 / 1_000_000


def test_schedule_37_a_busy_task_keeps_little_before_itself() -> None:
    """37: once its pace is known, all its channels together hold what it takes in the horizon, and a batch each."""
    app = App("slow")
    numbers, out = app.topic("numbers", int, partitions=3), app.topic("out", int)
    keyed = app.stream(numbers).key_by(lambda n: n % 5, name="fifth")
    keyed.aggregate(name="counting", n=agg.count()).map(lambda row: row.n).to(out)
    windows: list[int] = []

    def look(cluster: MemoryCluster) -> None:
        for task in tasks(cluster, InnerTask):
            windows.append(sum(one.inlet.window.records for one in task.gate._channels))

    run_watched(app, {numbers: range(20_000)}, look, 2)

    assert windows[-1] < 3 * FIRST_WINDOW.records


# --- under narrow windows --------------------------------------------------------------------------------------------


def no_more_than_the_window(cluster: MemoryCluster) -> None:
    """What a task was sent and has not taken is within four records and 64 bytes, or one batch."""
    for task in tasks(cluster, InnerTask):
        for channel in task.gate._channels:
            weights = [weight for _, weight in channel.inlet._queue if weight != NOTHING]
            assert sum(weight.records for weight in weights) <= 4 or len(weights) == 1
            assert sum(weight.size_bytes for weight in weights) <= 64 or len(weights) == 1


@pytest.mark.parametrize("make", [workloads.words, workloads.windows, workloads.both, workloads.lookup])
def test_jobs_survive_under_narrow_windows(
    make: Callable[[], workloads.Workload], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Much waits for credit, actors and machines crash: the output is right, and nothing stops for ever."""
    job_plants.narrow_windows(monkeypatch)
    job = make()

    simulate(job.app, job.inputs, seeds=range(4), faults=Faults.all())


@pytest.mark.parametrize("make", [workloads.words, workloads.windows, workloads.both])
def test_a_task_is_sent_no_more_than_its_window(
    make: Callable[[], workloads.Workload], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at after every step."""
    job_plants.narrow_windows(monkeypatch)
    job = make()

    run_watched(job.app, dict(job.inputs), no_more_than_the_window, 3, batch_records=1)


def test_credit_on_arrival_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: the look of the test before must find it."""
    job_plants.credit_is_released_on_arrival(monkeypatch)
    job = workloads.both()

    with pytest.raises(AssertionError):
        run_watched(job.app, dict(job.inputs), no_more_than_the_window, 3, batch_records=1)


# --- pace ------------------------------------------------------------------------------------------------------------


def test_a_source_cuts_its_batches_where_its_receivers_are_slow() -> None:
    """Half a window, so that while one is processed the next is on its way."""
    app = App("cut")
    numbers, out = app.topic("numbers", int), app.topic("out", int)
    keyed = app.stream(numbers).key_by(lambda n: n % 5, name="fifth")
    keyed.aggregate(name="counting", n=agg.count()).map(lambda row: row.n).to(out)
    seen: dict[int, None] = {}

    def look(cluster: MemoryCluster) -> None:
        for task in tasks(cluster, SourceTask):
            seen[task.feed.rows_max] = None

    run_watched(app, {numbers: range(20_000)}, look, 2)

    assert len(seen) > 1


def test_the_first_window_is_supposed_until_something_is_known() -> None:
    """And what is known counts more and more."""
    pace = Pace(50_000)
    assert pace.window() == FIRST_WINDOW

    pace.took(Amount(100, 1_000), 0)
    pace.rested(50_000)

    assert 100 < pace.window().records < FIRST_WINDOW.records
