"""The physical plan: which operators run as one actor, and the channels between those.

A source starts a task, one instance a split. An operator that keeps state, reads several streams, or awaits coroutines
starts a task of its own, because records must be brought together there. All others run in the task of what they read.
Tasks and their instances are data; `engine.build` makes stages of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import xxhash

from actorstream.streams.plan.asynchronous import AsyncMap
from actorstream.streams.plan.joins import Join, WindowJoin
from actorstream.streams.plan.letters import with_dead_letters
from actorstream.streams.plan.nodes import Node, Source, Stateful, TableJoin, ToTopic, Union
from actorstream.streams.plan.rewrite import walk
from actorstream.streams.plan.rules import (
    choose_joins,
    drop_exchanges,
    drop_keys,
    fuse,
    narrow_sources,
    pre_aggregate,
    prune_columns,
    push_filters,
)

Rule = Callable[[tuple[Node, ...]], tuple[Node, ...]]

RULES: tuple[Rule, ...] = (
    drop_keys,
    push_filters,
    narrow_sources,
    drop_exchanges,
    choose_joins,
    prune_columns,
    pre_aggregate,
    fuse,
)
"""The rewrite rules, in the order in which they are applied."""


@dataclass(frozen=True, slots=True)
class Edge:
    """All channels from the instances of one task to those of another."""

    source: str  # task
    node: Node  # whose output flows here
    target: str  # task
    port: str  # "stream", "right" or "table"
    instances: int = 1  # of the target; of several, each gets the records of its key groups

    def channel(self, instance: int, to: int = 0) -> str:
        """The identity of the channel between two instances: stable over restarts, and over other numbers of them."""
        target = f"{self.target}[{to}]" if to else self.target
        return f"{self.source}[{instance}]/{self.node.name}>{target}:{self.port}"

    def channels(self, instance: int) -> list[str]:
        """Those from one instance of the source to all of the target, in their order."""
        return [self.channel(instance, to) for to in range(self.instances)]


@dataclass(slots=True)
class TaskPlan:
    """One task: the operators that run in one actor."""

    name: str
    head: Node
    body: list[Node] = field(default_factory=list)  # without the head, inputs first
    inputs: list[Edge] = field(default_factory=list)
    outputs: list[Edge] = field(default_factory=list)
    instances: int = 1
    waits_for: list[str] = field(default_factory=list)  # joins whose tables must be read before this source starts
    feeds_table: bool = False  # a source that says when it has brought what was there

    @property
    def nodes(self) -> list[Node]:
        """All operators, inputs first."""
        return [self.head, *self.body]

    @property
    def is_source(self) -> bool:
        """Whether it reads the outside world."""
        return isinstance(self.head, Source)

    @property
    def is_async(self) -> bool:
        """Whether its head awaits coroutines."""
        return isinstance(self.head, AsyncMap)


@dataclass(frozen=True, slots=True)
class PhysicalPlan:
    """All tasks of a job, those that feed others first."""

    tasks: tuple[TaskPlan, ...]
    plan_hash: str

    def task(self, name: str) -> TaskPlan:
        """The task of that name."""
        return next(one for one in self.tasks if one.name == name)

    def sink_topics(self) -> list[str]:
        """The topics that the job writes, each once, in order of the plan."""
        return list(
            dict.fromkeys(node.topic.name for task in self.tasks for node in task.nodes if isinstance(node, ToTopic))
        )

    def lanes(self) -> list[str]:
        """The channels from writer tasks into topics: one for each instance and sink."""
        return [
            lane_name(node, instance)
            for task in self.tasks
            for node in task.nodes
            if isinstance(node, ToTopic)
            for instance in range(task.instances)
        ]


def lane_name(node: Node, instance: int) -> str:
    """The identity of the lane from one instance of a task into one sink topic."""
    return f"{node.name}/{instance}"


def optimise(ends: tuple[Node, ...], rules: Sequence[Rule] = RULES) -> tuple[Node, ...]:
    """The plan after all rewrite rules, with the sinks of dead letters."""
    for rule in rules:
        ends = rule(ends)
    return with_dead_letters(ends)


def physical(ends: tuple[Node, ...], splits: Callable[[Source], int] = lambda source: 1) -> PhysicalPlan:
    """The tasks of an optimised plan.

    Args:
        splits: how many instances a source's task has.
    """
    tasks: dict[str, TaskPlan] = {}
    home: dict[Node, TaskPlan] = {}
    for node in walk(ends):
        if isinstance(node, Source | Union | AsyncMap) or (isinstance(node, Stateful) and not node.in_place):
            task = tasks[node.name] = TaskPlan(node.name, node)
            task.instances = _instances(node, splits)
            _connect(task, node, home)
        else:
            task = home[node.inputs[0]]
            task.body.append(node)
        home[node] = task
    _gate_on_tables(tasks)
    return PhysicalPlan(tuple(tasks.values()), _hash(ends))


def _instances(node: Node, splits: Callable[[Source], int]) -> int:
    if isinstance(node, Source):
        return splits(node)
    return node.parallelism if isinstance(node, Stateful) else 1


def _connect(task: TaskPlan, node: Node, home: dict[Node, TaskPlan]) -> None:
    for index, before in enumerate(node.inputs):
        port = node.second_port if isinstance(node, TableJoin | Join | WindowJoin) and index == 1 else "stream"
        edge = Edge(home[before].name, before, task.name, port, task.instances)
        task.inputs.append(edge)
        home[before].outputs.append(edge)


def _gate_on_tables(tasks: dict[str, TaskPlan]) -> None:
    """Sources that flow into the stream side of a table join wait; those that flow into the table side do not."""
    for task in tasks.values():
        if isinstance(task.head, TableJoin):
            feeding = _sources_of(tasks, task, "table")
            for name in feeding:
                tasks[name].feeds_table = True
            for name in _sources_of(tasks, task, "stream"):
                if name not in feeding:
                    tasks[name].waits_for.append(task.name)


def _sources_of(tasks: dict[str, TaskPlan], task: TaskPlan, port: str) -> list[str]:
    """The names of the source tasks that feed one port of a task, through whatever lies between."""
    found: dict[str, None] = {}
    to_visit = [tasks[edge.source] for edge in task.inputs if edge.port == port]
    while to_visit:
        one = to_visit.pop()
        if one.is_source:
            found[one.name] = None
        to_visit.extend(tasks[edge.source] for edge in one.inputs)
    return list(found)


def _hash(ends: tuple[Node, ...]) -> str:
    """A fingerprint of what the plan computes as far as its shape tells: names, kinds, details, inputs."""
    lines = [
        f"{node.kind} {node.name} ({node.detail()}) <- {','.join(one.name for one in node.inputs)}"
        for node in walk(ends)
    ]
    return xxhash.xxh64_hexdigest("\n".join(lines).encode())
