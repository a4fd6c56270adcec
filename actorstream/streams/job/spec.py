"""What an instance of a task is made from: the same data each time it is started."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from actorstream.actors import Ref
from actorstream.model.duration import duration_us
from actorstream.streams.engine.build import reads_time
from actorstream.streams.engine.exchange import groups_of
from actorstream.streams.job.state_writer import BASE_PIECE_ENTRIES
from actorstream.streams.plan.nodes import Node
from actorstream.streams.plan.physical import PhysicalPlan, TaskPlan
from actorstream.streams.store.table import LIVE_MAX

_UNFIT = re.compile(r"[^A-Za-z0-9_.\[\]-]")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a job runs, apart from what it computes.

    `until`: None, "caught_up" or "end". `idle`: whether silent partitions may stop holding back time.
    `gather_records`: how many records a sink gathers before they are sent, if no barrier comes first.
    `slice_records`: how many records a task processes at most before it hears others; fewer, if they take long.
    `base_after_changes`: how many changes of a state are written before all of it may be, in their place.
    `base_piece_entries`: entries of a base that a checkpoint writes, about, where the state is not in memory.
    `state`: where it is kept, "memory" or "rocksdb". `live_max`: of a state in RocksDB, live values in memory.
    `max_drift_us`: how far a split may be ahead of the slowest, in event time; 0: as far as it gets.
    `fetch_bytes_max`, `fetch_wait_us`: of one fetch. `restarts_max` in `restarts_within_us`: more fail the job.
    `nodes`: how many nodes the tasks are placed on; 0: they live beside the coordinator.
    `spread`: by how many nodes each task begins after the one before it in the plan.
    `scratch`: where nodes put what they need only while they run; "": beside the log.
    """

    checkpoint_us: int = 100_000
    until: str | None = None
    idle: bool = True
    max_drift_us: int = duration_us("5m")
    gather_records: int = 8_192
    slice_records: int = 1 << 16
    base_after_changes: int = 100_000
    base_piece_entries: int = BASE_PIECE_ENTRIES
    state: str = "memory"
    live_max: int = LIVE_MAX
    fetch_bytes_max: int = 1 << 20
    fetch_wait_us: int = duration_us("250ms")
    restarts_max: int = 5
    restarts_within_us: int = duration_us("60s")
    nodes: int = 0
    spread: int = 0
    scratch: str = ""


@dataclass(frozen=True, slots=True)
class ProgramFile:
    """Where another process finds the program of a job: a module by its name here, and its file."""

    module: str
    file: str


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job: its plan and how to run it."""

    name: str
    plan: PhysicalPlan
    topics: tuple[object, ...]  # model.topic.Topic, those that the job reads or writes
    settings: Settings = field(default_factory=Settings)
    report: Callable[[object], None] | None = None  # told how the job ended
    program: ProgramFile | None = None  # for nodes that do not have it


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One instance of one task of a job, and where its neighbours are."""

    job: JobSpec
    task: TaskPlan
    instance: int
    senders: dict[str, Ref]  # input channel → who sends
    receivers: dict[str, Ref]  # output channel → who receives
    reads_time: dict[Node, bool]

    @property
    def id(self) -> str:
        """The instance's identity in the job."""
        return f"{self.task.name}[{self.instance}]"

    @property
    def groups(self) -> range:
        """The key groups whose records come to this instance."""
        return groups_of(self.instance, self.task.instances)

    @property
    def waits_for(self) -> list[str]:
        """The instances of joins whose tables must be read before this source starts."""
        joins = map(self.job.plan.task, self.task.waits_for)
        return [task_id(join, instance) for join in joins for instance in range(join.instances)]


def task_id(task: TaskPlan, instance: int) -> str:
    """The identity of an instance."""
    return f"{task.name}[{instance}]"


def actor_name(task_id_: str) -> str:
    """A task's identity as the name of its actor: what a path cannot hold is escaped, so that names stay apart."""
    return _UNFIT.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), task_id_)


def task_specs(job: JobSpec, home: str) -> list[TaskSpec]:
    """All instances of all tasks of a job whose actors live below the path `home`."""
    times = reads_time(job.plan.tasks)
    specs = []
    for task in job.plan.tasks:
        for instance in range(task.instances):
            senders = {
                edge.channel(one, instance): _ref(home, job.plan.task(edge.source), one)
                for edge in task.inputs
                for one in range(job.plan.task(edge.source).instances)
            }
            receivers = {
                edge.channel(instance, to): _ref(home, job.plan.task(edge.target), to)
                for edge in task.outputs
                for to in range(edge.instances)
            }
            specs.append(TaskSpec(job, task, instance, senders, receivers, times))
    return specs


def _ref(home: str, task: TaskPlan, instance: int) -> Ref:
    return Ref(f"{home}/{actor_name(task_id(task, instance))}")
