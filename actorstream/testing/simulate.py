"""`simulate`: an app under faults, from many seeds, each compared with a run where nothing went wrong."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from actorstream.errors import Mistake, OperatorError
from actorstream.host import Entropy, Host, MemoryDisk, VirtualClock
from actorstream.model.topic import Topic
from actorstream.streams.app import App
from actorstream.streams.job.console import silence
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import JobSpec, Settings
from actorstream.testing.compare import Keyed, difference
from actorstream.testing.faults import Faults
from actorstream.testing.run import Output
from actorstream.testing.seeds import chosen

Check = Callable[[Mapping[Topic[Any], Sequence[Any]], Output], Any]
"""Given inputs and committed output: raises, or returns False, if they do not fit together."""

STEPS_MAX = 5_000_000
"""Steps after which a seed counts as stuck."""

_FAULTS_PER_SEED_MAX = 16
_TRACE_LINES = 40
_SEGMENT_BYTES_MAX = 1 << 16  # Small, so that segments are rolled.
_BATCHES = 40  # Batches that the input of each topic is cut into, so that much can happen between them.


class SimulationFailed(AssertionError):
    """A seed found a difference; the message holds the seed, what differs, and how to run it again."""

    def __init__(self, seed: int, what: str, trace: Sequence[str]) -> None:
        lines = "\n".join(f"    {line}" for line in trace[-_TRACE_LINES:])
        super().__init__(f"seed {seed}: {what}\n  the last steps:\n{lines}\n  run it again: {_again(seed)}")
        self.seed = seed


def _again(seed: int) -> str:
    return f"pytest {' '.join(sys.argv[1:]) or '<this test>'} --seed {seed}"


def simulate(
    app: App,
    inputs: Mapping[Topic[Any], Sequence[Any]] | None = None,
    *,
    seeds: Iterable[int] = range(200),
    faults: Faults | None = None,
    check: Check | None = None,
) -> Counter[str]:
    """Run `app` over the same inputs from many seeds, under faults, and compare what it committed.

    Each topic's committed output must equal that of a run without faults: per key the same sequence, over all keys the
    same records, floats to 1e-9. What was once read must never be taken back.

    Args:
        seeds: each gives one order of events and one schedule of faults; pytest's `--seeds` and `--seed` come first.
        faults: by default all.
        check: for apps whose values depend on the order of arrival: judges the output instead of the comparison.

    Returns:
        How often each fault happened.

    Raises:
        SimulationFailed: a seed's output differs, or its run got stuck.

    Example:
        >>> from actorstream import App
        >>> app = App("doubling")
        >>> numbers, doubles = app.topic("numbers", int), app.topic("doubles", int)
        >>> app.stream(numbers).map(lambda n: n * 2).to(doubles)
        >>> happened = simulate(app, {numbers: range(20)}, seeds=range(5))
    """
    with silence():
        return _simulate(app, dict(inputs or {}), chosen(seeds), faults or Faults.all(), check)


def _simulate(
    app: App, inputs: dict[Topic[Any], Sequence[Any]], seeds: list[int], rates: Faults, check: Check | None
) -> Counter[str]:
    laboratory = Laboratory(app, inputs)
    happened: Counter[str] = Counter()
    for number, seed in enumerate(seeds):
        run = laboratory.run(seed, rates, check)
        happened.update(run.happened)
        if number == 0 and laboratory.run(seed, rates, check).digest != run.digest:
            raise SimulationFailed(
                seed, "the same seed gave two different runs: the app's code is not deterministic", run.trace
            )
    return happened


class Laboratory:
    """One app with its inputs written once; every seed begins from a copy of that disk."""

    def __init__(self, app: App, inputs: dict[Topic[Any], Sequence[Any]]) -> None:
        self.app = app
        self.inputs = inputs
        self._clock = VirtualClock()
        disk = MemoryDisk()
        cluster = MemoryCluster(host=Host(self._clock, Entropy(0), disk), seed=None)
        for topic, values in inputs.items():
            batch_records = max(1, len(values) // _BATCHES)
            cluster.write(topic, list(values), batch_records=batch_records)
        cluster.close()
        self.disk = disk.clone()
        sinks = self.job(Outcome()).plan.sink_topics()
        self.written = [topic for topic in app._program.topics.values() if topic.name in sinks]
        self.expected = Life(self, 0, Faults.none()).output()

    def job(self, outcome: Outcome) -> JobSpec:
        """The app's job, cut into many small steps."""
        settings = Settings(checkpoint_us=20_000, until="end", idle=False, fetch_bytes_max=1, restarts_max=1_000)
        return job_spec(self.app._program, settings, report=outcome.report)

    def host(self, seed: int) -> Host:
        """A host of its own for a seed."""
        return Host(VirtualClock(self._clock.now_us()), Entropy(seed), self.disk.clone())

    def run(self, seed: int, faults: Faults, check: Check | None) -> Life:
        """Live through one seed, and judge it."""
        life = Life(self, seed, faults)
        found = life.output()
        written = Output({topic: [value for part in found[topic] for _, value in part] for topic in found})
        if check is not None:
            if check(self.inputs, written) is False:
                raise SimulationFailed(seed, "check(inputs, output) said no", life.trace)
            return life
        for topic, expected in self.expected.items():
            what = difference(expected, found[topic])
            if what is not None:
                raise SimulationFailed(seed, f"topic {topic.name!r}, {what}", life.trace)
        return life


class Life:
    """One seed: clusters that come and go over one disk, until the job has ended."""

    def __init__(self, laboratory: Laboratory, seed: int, faults: Faults) -> None:
        self._laboratory = laboratory
        self._seed = seed
        self._host = laboratory.host(seed)
        self._entropy = Entropy(seed).stream("faults")
        self._plan = _schedule(faults, self._entropy)
        self._seen: dict[Topic[Any], list[list[Keyed]]] = {}
        self.happened: Counter[str] = Counter()
        self.trace: list[str] = []
        self.digest = 0
        self._steps = 0

    def output(self) -> dict[Topic[Any], list[list[Keyed]]]:
        """Run to the end; what was committed, by topic and partition.

        Raises:
            SimulationFailed: it got stuck, failed, or took back what had been read.
        """
        outcome = Outcome()
        cluster = self._begin(outcome)
        while not outcome.is_known:
            cluster = self._go_on(cluster, outcome)
        self._raise_failure(outcome, cluster)
        found = self._read(cluster)
        self._end(cluster)
        return found

    def _begin(self, outcome: Outcome) -> MemoryCluster:
        cluster = MemoryCluster(host=self._host, seed=self._entropy.bits(), segment_bytes_max=_SEGMENT_BYTES_MAX)
        cluster.start(self._laboratory.job(outcome), restarts=1_000)
        return cluster

    def _go_on(self, cluster: MemoryCluster, outcome: Outcome) -> MemoryCluster:
        """Run to the next fault, or to the end."""
        fault, steps = self._plan.pop(0) if self._plan else (None, STEPS_MAX)
        system = cluster.system
        done = system.run(until=lambda: outcome.is_known or system.failed is not None, steps_max=steps)
        self._steps += done
        if outcome.is_known:
            return cluster
        if system.failed is not None:
            return self._restart(cluster, outcome)  # As a process manager would.
        if fault is None:
            raise SimulationFailed(self._seed, f"stuck: not finished after {self._steps} steps", _lines(cluster))
        return self._strike(fault, cluster, outcome)

    def _strike(self, fault: str, cluster: MemoryCluster, outcome: Outcome) -> MemoryCluster:
        self.happened[fault] += 1
        if fault == "crash_actor":
            cluster.system.crash(self._entropy.choice(cluster.system.actors()))
            return cluster
        if self._entropy.chance(0.5):
            self._remember(self._read(cluster), cluster)
            if outcome.is_known:
                return cluster
        disk = self._host.disk
        assert isinstance(disk, MemoryDisk)
        if fault == "crash_process":
            disk.crash_process(self._entropy)
        else:
            disk.crash_host(self._entropy)
        return self._restart(cluster, outcome)

    def _restart(self, cluster: MemoryCluster, outcome: Outcome) -> MemoryCluster:
        self._end(cluster)
        return self._begin(outcome)

    def _end(self, cluster: MemoryCluster) -> None:
        self.trace = _lines(cluster)
        self.digest = _mix(self.digest, cluster)
        cluster.close()

    def _read(self, cluster: MemoryCluster) -> dict[Topic[Any], list[list[Keyed]]]:
        """What a reader of committed records sees now, of the topics that exist."""
        found = {topic: cluster.read(topic) for topic in self._laboratory.written}
        self._remember(found, cluster)
        return found

    def _remember(self, found: dict[Topic[Any], list[list[Keyed]]], cluster: MemoryCluster) -> None:
        """What was read once must be read again, in the same place."""
        for topic, partitions in found.items():
            for number, before in enumerate(self._seen.get(topic, [])):
                if partitions[number][: len(before)] != before:
                    what = f"{topic.name}-{number}: a record that had been read was taken back or changed"
                    raise SimulationFailed(self._seed, what, _lines(cluster))
        self._seen = found

    def _raise_failure(self, outcome: Outcome, cluster: MemoryCluster) -> None:
        try:
            outcome.raise_error()
        except (OperatorError, Mistake):
            raise
        except Exception as error:
            raise SimulationFailed(self._seed, f"the job failed: {error}", _lines(cluster)) from error


def _schedule(faults: Faults, entropy: Entropy) -> list[tuple[str, int]]:
    """(fault, steps before it), in order: as many of each as its rate says, on average."""
    plan = []
    for name, rate in faults.rates().items():
        count = int(rate) + entropy.chance(rate - int(rate))
        plan += [name] * entropy.between(0, 2 * count)
    entropy.shuffle(plan)
    return [(name, _steps(entropy)) for name in plan[:_FAULTS_PER_SEED_MAX]]


def _steps(entropy: Entropy) -> int:
    """Mostly a few hundred steps, sometimes very few: the schedule must hit beginnings, too."""
    return entropy.between(1, 10 ** entropy.between(1, 3))


def _lines(cluster: MemoryCluster) -> list[str]:
    return list(cluster.system.trace.lines)


def _mix(digest: int, cluster: MemoryCluster) -> int:
    return (digest * 1_000_003 + cluster.system.trace.crc) % 2**64
