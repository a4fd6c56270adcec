"""What a question for the state of one key means: whom to ask, and what cannot be asked."""

from __future__ import annotations

from typing import Any

from actorstream.actors import Ref
from actorstream.errors import PlanError
from actorstream.model.identity import encode, key_group
from actorstream.streams.job.messages import ReadState
from actorstream.streams.job.spec import JobSpec, actor_name, task_specs
from actorstream.streams.plan.joins import TablesJoin
from actorstream.streams.plan.nodes import Node, Process, Reduce, RunningAggregate, TableJoin

READABLE = (Process, Reduce, RunningAggregate, TableJoin, TablesJoin)


def question(job: JobSpec, home: str, operator: str, key: Any, *, decided: bool) -> tuple[Ref, ReadState]:
    """The task that has the key, of a job whose coordinator is at the path `home`, and what to ask it.

    Raises:
        PlanError: there is no such operator, or nothing of it can be read by key.
        BadKey: `key` cannot be a key.
    """
    encoded = encode(key)
    known: dict[str, Node] = {node.name: node for task in job.plan.tasks for node in task.nodes}
    if not isinstance(known.get(operator), READABLE):
        can = (
            ", ".join(sorted(name for name, node in known.items() if isinstance(node, READABLE))) or "none of this job"
        )
        what = "keeps nothing that can be read by key" if operator in known else "is not in this job"
        raise PlanError(f"operator {operator!r} {what}; what can be read by key: {can}")
    for spec in task_specs(job, home):
        if key_group(encoded) in spec.groups and any(node.name == operator for node in spec.task.nodes):
            return Ref(f"{home}/{actor_name(spec.id)}"), ReadState(operator, encoded, decided)
    raise AssertionError("no task has this operator")
