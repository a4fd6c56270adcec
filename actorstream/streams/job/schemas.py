"""The forms that a job's states are kept in: written down by checkpoints, compared when a program starts.

Each operator that keeps something has a form (`kept_forms`); each state of a `process` function has a schema besides,
if its type says all of what its values are (`ValueState[int]`, not `ValueState` alone): other values carry their own
types. A program that cannot read what is kept is refused before it reads anything, unless the state has an upgrade
function, which the table applies when it is loaded (`StateTable.upgrade`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from actorstream.errors import BadInput
from actorstream.log.client import Done, History
from actorstream.model.schema import difference
from actorstream.streams.inject import Injection
from actorstream.streams.job.kept_forms import form_of
from actorstream.streams.plan.nodes import Process, Stateful
from actorstream.streams.plan.physical import PhysicalPlan
from actorstream.streams.store.table import schema_of


class Schemas:
    """The forms of all states of a plan."""

    def __init__(self, plan: PhysicalPlan) -> None:
        self._operators = {node.name: node for task in plan.tasks for node in task.nodes if isinstance(node, Stateful)}
        self._states = list(_states(self._operators))
        self._schemas = {name: schema_of(one.content_type) for name, _, one in self._states}
        self._forms = {_entry(name): form_of(node) for name, node in self._operators.items()}

    def added_to(self, done: Done, history: History) -> Done:
        """The decision, with the forms of what its checkpoint holds as far as they are others than before."""
        found = {**self._schemas, **self._forms}
        changed = {name: form for name, form in found.items() if history.schemas.get(name, {}) != form}
        return msgspec.structs.replace(done, schemas=changed)

    def check(self, history: History) -> None:
        """See that the program can read what the last checkpoint holds.

        Raises:
            BadInput: it cannot; the message says what changed.
        """
        kept = _operators_of(history)
        for name, node in self._operators.items():
            old = history.schemas.get(_entry(name))
            if old and name in kept:
                _check_form(node, old, self._forms[_entry(name)])
        for name, process, one in self._states:
            self._check_state(name, process, one, history)

    def _check_state(self, name: str, node: Process, one: Injection, history: History) -> None:
        old, new = history.schemas.get(name), self._schemas[name]
        if not old or not new or one.upgrade is not None or not history.state.get(name):
            return
        lines = difference(old, new, form="msgpack")
        if lines:
            raise BadInput(
                f"state {one.parameter!r} of operator {node.name!r} at {node.site} has another type than what is kept: "
                f"{'; '.join(lines)}; give it an upgrade function, State(upgrade=), or another name to begin anew"
            )

    def orphans(self, history: History) -> list[str]:
        """Operators that state is kept of and that the program does not have, or no longer with state; sorted."""
        return sorted(name for name in _operators_of(history) if name not in self._operators)


def _check_form(node: Stateful, old: dict[str, Any], new: dict[str, Any]) -> None:
    lines = _changed_facts(old.get("facts", {}), new["facts"]) or _changed_types(old.get("types", {}), new["types"])
    if lines:
        raise BadInput(
            f"operator {node.name!r} at {node.site} cannot go on with what is kept of it: {'; '.join(lines)}; "
            "change that back, or give the operator another name to begin anew"
        )


def _changed_facts(old: dict[str, str], new: dict[str, str]) -> list[str]:
    if old.get("kind") != new["kind"]:
        return [f"it was of the kind {old.get('kind')!r}, is {new['kind']!r}"]
    both = [name for name in new if name in old]
    return [f"{name}: was {old[name]}, is {new[name]}" for name in both if old[name] != new[name]]


def _changed_types(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    both = [what for what in new if what in old]
    return [
        f"{what}: {line}"
        for what in both
        for line in difference(old[what], new[what], form="key" if what == "each key" else "msgpack")
    ]


def _operators_of(history: History) -> dict[str, None]:
    """The operators that something is kept of."""
    return {state.rpartition("/")[0]: None for state, ranges in history.state.items() if ranges}


def _entry(operator: str) -> str:
    """Where the form of an operator is found among the schemas; no state has an empty name."""
    return f"{operator}/"


def _states(operators: dict[str, Stateful]) -> Iterator[tuple[str, Process, Injection]]:
    """Each state that `process` functions ask for: its name in the job, the operator, and the state, once."""
    for node in operators.values():
        if isinstance(node, Process):
            for one in node.states():
                yield f"{node.name}/{one.parameter}", node, one
