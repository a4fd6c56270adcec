"""Where the tasks of a job live, and how they get there."""

from __future__ import annotations

from collections.abc import Sequence

from actorstream.actors import Context, Ref
from actorstream.streams.job.async_task import AsyncTask
from actorstream.streams.job.inner_task import InnerTask
from actorstream.streams.job.source_task import SourceTask
from actorstream.streams.job.spec import TaskSpec, actor_name
from actorstream.streams.job.task import Task
from actorstream.streams.job.task_order import order_of


def node_for(instance: int, nodes: int, alive: Sequence[str]) -> str:
    """The node of an instance: instances of one number share a node, so that what stays with its number stays there.

    While that node is down, another one that lives takes its place; if there is none, it is waited for.

    Example:
        >>> node_for(5, 4, ["node-0", "node-1", "node-2"]), node_for(6, 4, ["node-0", "node-1", "node-2"])
        ('node-2', 'node-1')
    """
    own = [f"node-{number}" for number in range(1, nodes + 1)]
    wanted = own[instance % nodes]
    others = [name for name in own if name in alive]
    return others[instance % len(others)] if others and wanted not in others else wanted


def start_task(context: Context, spec: TaskSpec) -> Ref:
    """Start an instance as a child of this actor, the coordinator: beside it, or on one of the job's nodes."""
    nodes = spec.job.settings.nodes
    name = actor_name(spec.id)
    if not nodes:
        return context.spawn(_kind(spec), spec, name=name, restart="temporary")
    shift = spec.job.settings.spread * [task.name for task in spec.job.plan.tasks].index(spec.task.name)
    node = node_for(spec.instance + shift, nodes, context.nodes)
    order = order_of(spec, context.path)
    return context.spawn(_kind(spec), order, name=name, restart="temporary", hang_after=None, node=node)


def is_there(context: Context, task: Ref) -> bool:
    """Whether a task has not quite gone: its end was told, but its node has not said the last of it."""
    try:
        context.find(task.path)
    except LookupError:
        return False
    return True


def _kind(spec: TaskSpec) -> type[Task]:
    if spec.task.is_source:
        return SourceTask
    return AsyncTask if spec.task.is_async else InnerTask
