"""An outline of a plan: what `explain` draws, as plain data.

Guarantees: operators and tasks stand in the order of the plan, inputs first, and have ids that depend on that order
alone, so that the same program gives the same outline every time.
"""

from __future__ import annotations

import msgspec

from actorstream.model.duration import show_us
from actorstream.streams.plan import nodes
from actorstream.streams.plan.keeping import growth_of, kept_by
from actorstream.streams.plan.nodes import Node, walk
from actorstream.streams.plan.physical import Edge, PhysicalPlan, TaskPlan


class Operator(msgspec.Struct, frozen=True, omit_defaults=True):
    """One operator: `inputs` are ids of others; `state` is what it keeps, `grows` what of it has no bound."""

    id: str
    name: str
    kind: str
    detail: str
    site: str
    inputs: tuple[str, ...]
    state: tuple[str, ...] = ()
    grows: tuple[str, ...] = ()


class Channel(msgspec.Struct, frozen=True):
    """What flows from the instances of one task to another: the records of the operator `carries`."""

    source: str
    target: str
    carries: str
    port: str


class Task(msgspec.Struct, frozen=True):
    """Operators (their ids) that run in one actor an instance; `waits_for`: joins whose tables must be read before."""

    name: str
    instances: int
    operators: tuple[str, ...]
    waits_for: tuple[str, ...]


class Outline(msgspec.Struct, frozen=True, omit_defaults=True):
    """A plan at one stage. Only a physical one has tasks, channels and a hash."""

    app: str
    stage: str
    operators: tuple[Operator, ...]
    tasks: tuple[Task, ...] = ()
    channels: tuple[Channel, ...] = ()
    plan_hash: str = ""


def outline(app: str, stage: str, ends: tuple[Node, ...], plan: PhysicalPlan | None = None) -> Outline:
    """The outline of the plan that ends in `ends`; of `plan` too, if it is given."""
    ids = {node: f"n{place}" for place, node in enumerate(walk(ends))}
    operators = {node: _operator(node, ids, with_state=plan is not None) for node in ids}
    if plan is None:
        return Outline(app, stage, tuple(operators.values()))
    return Outline(
        app,
        stage,
        tuple(operators.values()),
        tuple(_task(task, ids) for task in plan.tasks),
        tuple(_channel(edge) for task in plan.tasks for edge in task.outputs),
        plan.plan_hash,
    )


def _operator(node: Node, ids: dict[Node, str], *, with_state: bool) -> Operator:
    return Operator(
        ids[node],
        node.name,
        node.kind,
        _detail(node),
        str(node.site),
        tuple(ids[one] for one in node.inputs),
        kept_by(node) if with_state else (),
        growth_of(node) if with_state else (),
    )


def _task(task: TaskPlan, ids: dict[Node, str]) -> Task:
    return Task(task.name, task.instances, tuple(ids[node] for node in task.nodes), tuple(task.waits_for))


def _channel(edge: Edge) -> Channel:
    return Channel(edge.source, edge.target, edge.node.name, edge.port)


def _detail(node: Node) -> str:
    """What there is to say beyond kind and name."""
    if isinstance(node, nodes.RowChain):
        return " → ".join(f"{step.kind} {step.name}" for step in node.steps)
    said = [] if node.detail() in (node.name, "<lambda>") else [node.detail()]
    if isinstance(node, nodes.Source):
        said += _source_detail(node)
    elif isinstance(node, nodes.WindowNode):
        said += _window_detail(node)
    if isinstance(node, nodes.Stateful) and node.in_place:
        said.append("in place, as its records have that key already")
    return ", ".join(one for one in said if one)


def _source_detail(node: nodes.Source) -> list[str]:
    said = [f"at most {show_us(node.max_delay_us)} out of order"] if node.max_delay_us else []
    said += [] if node.idle_us is None else [f"idle after {show_us(node.idle_us)}"]
    said += [] if node.columns is None else [f"only the columns {', '.join(node.columns)}"]
    said += [f"mostly where {one}" for one in node.mostly]
    return said + ([] if node.start == "earliest" else [f"from the {node.start}"])


def _window_detail(node: nodes.WindowNode) -> list[str]:
    said = ["corrections as they happen"] if node.emit == "change" else []
    late_us = node.allowed_lateness_us
    return said + ([f"takes records up to {show_us(late_us)} late"] if late_us else [])
