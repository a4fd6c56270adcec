"""One seed of a simulation: clusters that come and go over one disk, until the job has ended.

While the job runs somebody reads each of its output topics; what was read once must stay as it was, whatever crashes.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from actorstream.errors import ActorTerminated, DiskFull, Fenced, JobFailed, Mistake, OperatorError
from actorstream.host import Entropy, Host, MemoryDisk
from actorstream.log.client import (
    DescribeTopics,
    Epoch,
    Fetch,
    Fetched,
    RawDecoder,
    TopicDecoder,
    catalogue_ref,
    decode_decision,
    job_topic,
    partition_ref,
)
from actorstream.log.refusals import NotOpen
from actorstream.model.topic import Topic
from actorstream.streams.job.coordinator import Coordinator
from actorstream.streams.job.memory import Flush, MemoryCluster, Outcome
from actorstream.streams.job.spec import JobSpec, Settings
from actorstream.streams.job.stores import STATES
from actorstream.testing.compare import Keyed
from actorstream.testing.faults import Faults
from actorstream.testing.node_faults import all_actors, failures_of, strike_node
from actorstream.testing.outside import Glimpses
from actorstream.testing.reader import READER, Reader, Seen
from actorstream.testing.run import Output
from actorstream.testing.schedule import LOOK, Moment, Witness, schedule
from actorstream.testing.subject import Subject

STEPS_MIN = 100_000
STEPS_TIMES = 40
"""A seed is stuck after so many steps without a fault, or so many times as many as an undisturbed run needs."""

_TRACE_LINES = 40
_SEGMENT_BYTES_MAX = 1 << 16  # Small, so that segments are rolled.
_RESTARTS = 1_000
_SPREADS = 3  # How tasks of one instance share nodes: all on one, or each on another.
_ROOM_BYTES_MAX = 4_096  # That a full disk has left.
_LIE_PROBABILITY = 0.5
_LOOK_FIRST = 0.5  # Share of the starts at which somebody reads before the job begins.

_EXPECTED = (ActorTerminated, DiskFull, Fenced, JobFailed, NotOpen)
"""What an actor may fail with because of a fault elsewhere."""

Written = dict[Topic[Any], list[list[Keyed]]]


class SimulationFailed(AssertionError):
    """A seed found a difference; the message holds the seed, what differs, and how to run it again."""

    def __init__(self, seed: int, what: str, trace: Sequence[str]) -> None:
        lines = "\n".join(f"    {line}" for line in trace[-_TRACE_LINES:])
        super().__init__(f"seed {seed}: {what}\n  the last steps:\n{lines}\n  run it again: {_again(seed)}")
        self.seed = seed


def _again(seed: int) -> str:
    given = re.sub(r"--seeds?[ =]\d+", "", " ".join(sys.argv[1:])).strip()
    return f"pytest {given or '<this test>'} --seed {seed}"


class Habits(NamedTuple):
    """How a seed's job and log are set up; none of it may show in what is committed."""

    checkpoint_us: int
    gather_records: int
    slice_records: int
    flush: Flush
    step_us: tuple[int, int]
    state: str
    spread: int

    @classmethod
    def of(cls, entropy: Entropy, state: str, spread: int) -> Habits:
        """Those of a seed; where it keeps its job's state, and how it spreads tasks over nodes."""
        return cls(
            checkpoint_us=entropy.choice((3_000, 10_000, 30_000, 100_000)),
            gather_records=entropy.choice((1, 10, 8_192)),
            slice_records=entropy.choice((1, 7, 8_192, 8_192)),
            flush=entropy.choice(("none", "none", "interval", "commit")),
            step_us=(1, entropy.choice((500, 5_000))),  # Against timers: few steps between two, or many.
            state=state,
            spread=spread,
        )

    def settings(self, nodes: int) -> Settings:
        """Those of a job on so many nodes."""
        return Settings(
            checkpoint_us=self.checkpoint_us,
            gather_records=self.gather_records,
            slice_records=self.slice_records,
            base_after_changes=20,
            base_piece_entries=5,
            state=self.state,
            live_max=3,
            until="end",
            idle=False,
            fetch_bytes_max=1,  # Many small steps.
            restarts_max=_RESTARTS,
            nodes=nodes,
            spread=self.spread,
        )


class Life:
    """See the module. Afterwards `written` holds what was committed, `outside` what was written elsewhere."""

    def __init__(self, subject: Subject, seed: int, faults: Faults, steps: int, nodes: int = 0) -> None:
        self._subject = subject
        self._nodes = nodes
        self._seed = seed
        self._host = Host(subject.clock(), Entropy(seed), subject.disk.clone())
        self._entropy = Entropy(seed).stream("faults")
        self._habits = Habits.of(self._entropy, STATES[seed % len(STATES)], seed // len(STATES) % _SPREADS)
        self._plan = schedule(faults, self._entropy, steps)
        self._steps_max = max(STEPS_MIN, STEPS_TIMES * steps)
        self._reads = bool(faults.rates())
        self._seen = [
            (topic, number, Seen(f"{topic.name}-{number}"))
            for topic in subject.written
            for number in range(topic.partitions)
        ]
        self._glimpses = Glimpses()
        self._outcomes: list[Outcome] = []
        self.happened: Counter[str] = Counter()
        self.trace: list[str] = []
        self.digest = 0
        self.steps = 0
        self.written: Written = {}
        self.outside: Sequence[Any] = ()

    @property
    def _disk(self) -> MemoryDisk:
        disk = self._host.disk
        assert isinstance(disk, MemoryDisk)
        return disk

    def live(self) -> Life:
        """Run to the end.

        Raises:
            SimulationFailed: it got stuck, failed, or took back what had been read.
            OperatorError, Mistake: of the app itself.
        """
        self._subject.begin(self._host.clock)
        cluster = self._begin()
        while (ended := self._ended()) is None or self._lacks_room(ended):
            cluster = self._go_on(cluster) if ended is None else self._restart(cluster)
        self._raise_failure(ended, cluster)
        self._look(cluster)
        # A coordinator that another took over from may have prepared more; the next start removes it.
        left = self._subject.leftovers() if not self.happened["take_over"] else ()
        if left:
            raise self._failure(f"outside: left over at the end: {', '.join(left)}", cluster)
        self.written = {topic: cluster.read(topic) for topic in self._subject.written}
        self.happened["aborted"] = sum(seen.aborted for _, _, seen in self._seen)
        self.happened["epochs"] = epochs_begun(cluster, self._subject.name)
        self._end(cluster)
        return self

    # --- clusters --------------------------------------------------------------------------------------------------

    def _begin(self) -> MemoryCluster:
        cluster = MemoryCluster(
            host=self._host,
            seed=self._entropy.bits(),
            segment_bytes_max=_SEGMENT_BYTES_MAX,
            flush=self._habits.flush,
            step_us=self._habits.step_us,
            nodes=self._nodes,
            programs={self._subject.name: self._subject.plan},
        )
        cluster.system.simulator.trace = Witness()
        self._outcomes = []
        if self._reads and self._entropy.chance(_LOOK_FIRST):
            self._look(cluster)  # What a job owes is settled before anybody reads, and before the job is there.
        cluster.start(self._job(), restarts=_RESTARTS)
        for topic, number, seen in self._seen if self._reads else ():
            name = f"{READER}{topic.name}-{number}"
            cluster.system.spawn(Reader, topic, number, seen, name=name, restarts=_RESTARTS)
        return cluster

    def _job(self) -> JobSpec:
        outcome = Outcome()
        self._outcomes.append(outcome)
        return self._subject.job(self._habits.settings(self._nodes), outcome)

    def _raise_bug(self, cluster: MemoryCluster) -> None:
        """An actor may fail because of a fault; any other failure is a bug that recovery hides."""
        for failure in failures_of(cluster.system):
            if not isinstance(failure.error, _EXPECTED) and self._disk.lie_probability == 0:
                what = f"{failure.path} failed by itself: {type(failure.error).__name__}: {failure.error}"
                raise SimulationFailed(self._seed, what, self.trace) from failure.error

    def _end(self, cluster: MemoryCluster) -> None:
        self.trace = cluster.system.trace.lines
        self._raise_bug(cluster)
        self.digest = (self.digest * 1_000_003 + cluster.system.trace.crc) % 2**64
        cluster.close()

    def _restart(self, cluster: MemoryCluster) -> MemoryCluster:
        self._end(cluster)
        self._disk.capacity_bytes = None
        return self._begin()

    # --- going on --------------------------------------------------------------------------------------------------

    def _go_on(self, cluster: MemoryCluster) -> MemoryCluster:
        """Run to the next fault, or to the end."""
        moment = self._plan.pop(0) if self._plan else None
        witness = _witness(cluster)
        witness.wait_for(moment and moment.kind)
        self.steps += cluster.system.run(
            until=lambda: self._is_over(cluster) or (moment is not None and witness.count >= moment.times > 0),
            steps_max=moment.steps if moment else self._steps_max,
        )
        self._raise_problem(cluster)
        if self._ended() is not None:
            return cluster
        if cluster.system.failed is not None:
            return self._restart(cluster)  # As a process manager would.
        if moment is None:
            raise self._failure(f"stuck: not finished after {self.steps} steps", cluster)
        return self._strike(moment, cluster)

    def _is_over(self, cluster: MemoryCluster) -> bool:
        return (
            self._ended() is not None
            or cluster.system.failed is not None
            or any(seen.problem is not None for _, _, seen in self._seen)
        )

    def _ended(self) -> Outcome | None:
        """How the job has ended; a coordinator that another took over from has not ended it."""
        return next((one for one in self._outcomes if one.is_known and not isinstance(one.error, Fenced)), None)

    def _lacks_room(self, ended: Outcome) -> bool:
        """Whether the job has ended for want of space on a full disk."""
        return isinstance(ended.error, DiskFull) and self._disk.capacity_bytes is not None

    def _strike(self, moment: Moment, cluster: MemoryCluster) -> MemoryCluster:
        self.happened[moment.fault] += 1
        match moment.fault:
            case "crash_actor":
                self._crash_actor(cluster)
            case "take_over":
                name = f"job-{self._subject.name}-{len(self._outcomes)}"
                cluster.system.spawn(Coordinator, self._job(), name=name, restarts=_RESTARTS)
            case "crash_node" | "cut" | "zombie":
                self._raise_bug(cluster)  # Before the node that knows of it is gone.
                strike_node(cluster.system, moment.fault, self._entropy)
            case "full_disk":
                self._disk.capacity_bytes = self._disk.used_bytes + self._entropy.below(_ROOM_BYTES_MAX)
            case "lying_sync":
                self._disk.lie_probability, self._disk.entropy = _LIE_PROBABILITY, self._entropy.stream("lies")
            case "crash_process":
                self._disk.crash_process(self._entropy)
                return self._restart(cluster)
            case "crash_host":
                self._disk.crash_host(self._entropy)
                self._disk.lie_probability = 0.0
                for _, _, seen in self._seen if self._habits.flush != "commit" else ():
                    seen.lose_power()
                return self._restart(cluster)
            case _:
                assert moment.fault == LOOK
                self._look(cluster)
        return cluster

    def _crash_actor(self, cluster: MemoryCluster) -> None:
        """Crash whoever has just done something, who decides, or anybody."""
        actors = [ref for ref in all_actors(cluster.system) if not ref.path.startswith(READER)]
        last = [ref for ref in actors if ref.path == _witness(cluster).last_path.rpartition(":")[2]]
        coordinators = [ref for ref in actors if ref.path.startswith("job-") and "/" not in ref.path]
        cluster.system.crash(self._entropy.choice(self._entropy.choice((last, coordinators, actors)) or actors))

    # --- looking ---------------------------------------------------------------------------------------------------

    def _look(self, cluster: MemoryCluster) -> None:
        """Read all output from its beginning, as a new reader does."""
        there = {spec.name for spec in cluster.ask(catalogue_ref(), DescribeTopics()).specs}
        for topic, number, seen in self._seen:
            if topic.name in there:
                _look(cluster, topic, number, seen)
        self._raise_problem(cluster)

    def _raise_problem(self, cluster: MemoryCluster) -> None:
        self.outside = self._subject.read_outside()
        problems = [self._glimpses.problem(self.outside), *(seen.problem for _, _, seen in self._seen), self._audit()]
        for problem in problems:
            if problem is not None:
                raise self._failure(problem, cluster)

    def _audit(self) -> str | None:
        if self._subject.audit is None:
            return None
        output = Output()
        for topic, _, seen in self._seen:
            output.setdefault(topic, []).extend(value for _, value in seen.records.values())
        return "audit(output) said no" if self._subject.audit(output) is False else None

    def _raise_failure(self, outcome: Outcome, cluster: MemoryCluster) -> None:
        try:
            outcome.raise_error()
        except (OperatorError, Mistake):
            raise
        except Exception as error:
            raise self._failure(f"the job failed: {error}", cluster) from error

    def _failure(self, what: str, cluster: MemoryCluster) -> SimulationFailed:
        return SimulationFailed(self._seed, what, cluster.system.trace.lines)


def _witness(cluster: MemoryCluster) -> Witness:
    trace = cluster.system.trace
    assert isinstance(trace, Witness)
    return trace


def _look(cluster: MemoryCluster, topic: Topic[Any], number: int, seen: Seen) -> None:
    """Read a partition from its beginning to where it is decided."""
    decoder, offset = TopicDecoder(topic.type), 0
    while True:
        answer: Fetched = cluster.ask(partition_ref(topic.name, number), Fetch(offset, max_bytes=1 << 24))
        seen.take(decoder, answer, offset)
        if answer.next_offset == offset:
            seen.reached(offset)
            return
        offset = answer.next_offset


def epochs_begun(cluster: MemoryCluster, job: str) -> int:
    """How many attempts there were to run the job."""
    name, offset, count = job_topic(job), 0, 0
    while True:
        answer: Fetched = cluster.ask(partition_ref(name, 0), Fetch(offset, committed=False))
        for at, _, value in RawDecoder().decode(answer):
            count += isinstance(decode_decision(value or b"", f"{name}-0 at offset {at}"), Epoch)
        if answer.next_offset == offset:
            return count
        offset = answer.next_offset
