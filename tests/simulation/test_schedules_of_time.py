"""The schedules that break simpler protocols: those about event time, and about what flows between tasks.

Their numbers are those of the design's list of schedules; the others are in `test_schedules`.
"""

from __future__ import annotations

from typing import Any

import pytest

from actorstream import App, Record, agg
from actorstream.actors.flow import Amount, Outlet
from actorstream.actors.flow.amount import FIRST_WINDOW
from actorstream.host import Entropy
from actorstream.model.instant import START_OF_TIME
from actorstream.streams.engine.batch import Batch
from actorstream.streams.job.coordinator import Coordinator
from actorstream.streams.job.elements import Barrier
from actorstream.streams.job.gate import Gate
from actorstream.streams.job.idleness import LEARNED_MIN_US, Idleness
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import Settings
from actorstream.testing import Faults, run, simulate
from tests.simulation import workloads

# --- time ------------------------------------------------------------------------------------------------------------


def test_schedule_18_a_failover_makes_nobody_idle() -> None:
    """18: the clock of silence begins anew with each epoch, and only with a look that found nothing."""
    idle = Idleness(None)
    idle.arrived(0)
    assert not idle.is_idle(LEARNED_MIN_US - 1)
    assert idle.is_idle(LEARNED_MIN_US)

    idle.begin()

    assert not idle.is_idle(100 * LEARNED_MIN_US)
    assert idle.watermark(START_OF_TIME) == START_OF_TIME


@pytest.mark.parametrize("seed", range(10))
def test_schedule_19_draining_leaves_time_where_it_is(seed: int) -> None:
    """19: a job that has caught up and goes on with more input gives what it gives over all the input at once."""
    job = workloads.windows()
    ((readings, values),) = job.inputs.items()
    expected = run(job.app, job.inputs)
    entropy = Entropy(seed)
    cluster = MemoryCluster(seed=seed)
    place = 0
    for until in ("caught_up", "caught_up", "caught_up", "end"):
        end = len(values) if until == "end" else min(place + entropy.between(10, 80), len(values))
        cluster.write(readings, values[place:end], batch_records=5)
        place = end
        outcome = Outcome()
        settings = Settings(checkpoint_us=5_000, until=until, idle=False, fetch_bytes_max=1)
        cluster.system.spawn(
            Coordinator, job_spec(job.app._program, settings, report=outcome.report), name=f"{until}-{place}"
        )
        while not outcome.is_known:
            cluster.system.run(until=lambda outcome=outcome: outcome.is_known, steps_max=entropy.between(50, 400))
            if not outcome.is_known and entropy.chance(0.3):
                tasks = [ref for ref in cluster.system.actors() if ref.path.startswith(f"{until}-{place}/")]
                cluster.system.crash(entropy.choice(tasks or cluster.system.actors()))
        assert outcome.error is None

    for topic in expected:
        found = [value for part in cluster.read(topic) for _, value in part]
        assert sorted(map(repr, found)) == sorted(map(repr, expected[topic]))


def test_schedule_20_lateness_does_not_depend_on_the_order_of_arrival() -> None:
    """20: a record is late by its own split's watermark, whichever split is read first."""
    job = workloads.windows()
    simulate(job.app, job.inputs, seeds=range(20), faults=Faults.none())


class Sum(Record):
    """A sum so far."""

    who: str
    total: float


def test_schedule_21_a_sum_of_floats_does_not_depend_on_the_order() -> None:
    """21: added exactly, so that the last sum is the same to the bit, whichever partition came first."""
    app = App("sums")
    parts, sums = app.topic("parts", float, partitions=3), app.topic("sums", Sum)
    keyed = app.stream(parts).key_by(lambda part: "all", name="who")
    keyed.aggregate(Sum, name="summing", total=agg.sum(lambda part: part)).to(sums)
    values = [1e16, 1.0, -1e16, 0.1, 1e-9, 3.0, -0.1] * 9

    last = set()

    def check(inputs: Any, output: Any) -> None:
        last.add(output[sums][-1].total)

    simulate(app, {parts: values}, seeds=range(15), faults=Faults.none(), check=check)
    assert len(last) == 1


# --- flow ------------------------------------------------------------------------------------------------------------


def test_schedule_34_a_barrier_overtakes_nothing() -> None:
    """34: it waits behind a batch without credit; at the gate it comes after all before it on any channel."""
    outlet: Outlet[Any] = Outlet()
    outlet.open(FIRST_WINDOW)
    outlet.offer("full", FIRST_WINDOW)
    outlet.offer("batch", Amount(1, 8))
    outlet.offer(Barrier(1))
    assert outlet.take() is not None
    assert outlet.take() is None
    gate = Gate(["x", "y"], [])
    gate.put("x", 0, 0, Barrier(1))
    gate.put("x", 0, 1, Batch([2]), Amount(1, 8))
    gate.put("y", 0, 0, Batch([1]), Amount(1, 8))
    gate.put("y", 0, 1, Barrier(1))

    taken = [gate.take(0) for _ in range(3)]

    assert [one and one[0] for one in taken] == ["y", "y", "x"]
    assert taken[1] is not None
    assert taken[1][1] == Barrier(1)


def test_schedule_35_a_batch_larger_than_the_window_goes_alone() -> None:
    """35: when the window is wholly free; and a record that becomes ten thousand does not stop a job."""
    outlet: Outlet[str] = Outlet()
    outlet.open(FIRST_WINDOW)
    outlet.offer("small", Amount(1, 8))
    outlet.offer("large", Amount(1, FIRST_WINDOW.size_bytes + 1))
    assert outlet.take() is not None
    assert outlet.take() is None
    outlet.credit(1, FIRST_WINDOW.plus(Amount(1, 8)))
    assert outlet.take() is not None

    app = App("many")
    ones, counts = app.topic("ones", int), app.topic("counts", int)
    many = app.stream(ones).flat_map(lambda one: range(10_000)).key_by(lambda n: n % 3, name="third")
    last = many.aggregate(name="counting", n=agg.count()).filter(lambda row: row.n % 1_000 == 0).map(lambda row: row.n)
    last.to(counts)
    simulate(app, {ones: [1, 2, 3]}, seeds=range(3))


# --- one job after another -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_a_second_job_reads_what_the_first_has_committed(seed: int) -> None:
    """While the first runs and is crashed: the second counts each of its records once, and never one taken back."""
    first = workloads.pass_through()
    evens = first.app._program.topics["evens"]
    second = App("second")
    firsts = second.topic("evens", int, partitions=4, key=evens.key)
    squares = second.topic("squares", int)
    second.stream(firsts).map(lambda n: n * n).to(squares)
    entropy = Entropy(seed)
    cluster = MemoryCluster(seed=seed)
    for topic, values in first.inputs.items():
        cluster.write(topic, values, batch_records=4)
    cluster.write(firsts, [])
    settings = Settings(checkpoint_us=5_000, until="end", idle=False, fetch_bytes_max=1, gather_records=2)
    done = Outcome()
    cluster.system.spawn(Coordinator, job_spec(first.app._program, settings, report=done.report), name="first")
    for life in range(40):
        last = done.is_known
        outcome = Outcome()
        caught_up = Settings(checkpoint_us=5_000, until="caught_up", idle=False, fetch_bytes_max=1)
        spec = job_spec(second._program, caught_up, report=outcome.report)
        cluster.system.spawn(Coordinator, spec, name=f"second-{life}")
        while not outcome.is_known:
            cluster.system.run(until=lambda outcome=outcome: outcome.is_known, steps_max=entropy.between(50, 300))
            if entropy.chance(0.2):
                tasks = [ref for ref in cluster.system.actors() if "/" in ref.path and "log/" not in ref.path]
                cluster.system.crash(entropy.choice(tasks or cluster.system.actors()))
        assert outcome.error is None
        if last:
            break

    written = [value for part in cluster.read(evens) for _, value in part]
    assert sorted(written) == sorted(run(first.app, first.inputs)[evens])
    assert sorted(value for part in cluster.read(squares) for _, value in part) == sorted(n * n for n in written)
