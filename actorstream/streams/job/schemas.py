"""The types that a job's states are kept as: written down by checkpoints, compared when a program starts.

A state has a schema if its type says all of what its values are (`ValueState[int]`, not `ValueState` alone): other
values carry their own types. A program that cannot read what is kept is refused before it reads anything, unless the
state has an upgrade function, which the table applies when it is loaded (`StateTable.upgrade`).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from actorstream.errors import BadInput
from actorstream.log.client import Done, History
from actorstream.model.schema import difference
from actorstream.streams.inject import Injection
from actorstream.streams.plan.nodes import Process
from actorstream.streams.plan.physical import PhysicalPlan
from actorstream.streams.store.table import schema_of


def with_schemas(done: Done, plan: PhysicalPlan, history: History) -> Done:
    """The decision, with the schemas of what its checkpoint holds as far as they are others than before."""
    found = {name: schema_of(one.content_type) for name, _, one in _states(plan)}
    changed = {name: schema for name, schema in found.items() if history.schemas.get(name, {}) != schema}
    return msgspec.structs.replace(done, schemas=changed)


def check_schemas(plan: PhysicalPlan, history: History) -> None:
    """See that the program can read what the last checkpoint holds.

    Raises:
        BadInput: it cannot; the message says what changed.
    """
    for name, node, one in _states(plan):
        old, new = history.schemas.get(name), schema_of(one.content_type)
        if not old or not new or one.upgrade is not None or not history.state.get(name):
            continue
        lines = difference(old, new)
        if lines:
            raise BadInput(
                f"state {one.parameter!r} of operator {node.name!r} at {node.site} has another type than what is kept: "
                f"{'; '.join(lines)}; give it an upgrade function, State(upgrade=), or another name to begin anew"
            )


def _states(plan: PhysicalPlan) -> Iterator[tuple[str, Process, Injection]]:
    """Each state that `process` functions ask for: its name in the job, the operator, and the state, once."""
    for task in plan.tasks:
        for node in task.nodes:
            if isinstance(node, Process):
                for one in node.states():
                    yield f"{node.name}/{one.parameter}", node, one
