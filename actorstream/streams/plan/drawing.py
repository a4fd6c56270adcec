"""Outlines of plans as text for people, as Mermaid diagrams, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from actorstream.streams.plan.outline import Channel, Operator, Outline, Task

_STAGES = {
    "logical": "as written",
    "optimised": "after the rewrite rules",
    "physical": "as tasks; each instance of a task is an actor",
}


def text(plan: Outline) -> str:
    """Lines for a person: operators as a tree from each source down, or, of a physical plan, task by task."""
    title = f"{plan.app}: {plan.stage} plan, {_STAGES[plan.stage]}"
    body = _task_lines(plan) if plan.tasks else _tree_lines(plan.operators)
    return "\n".join([title, *body])


def json(plan: Outline) -> str:
    """One JSON object; see `outline.Outline` for its fields."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2).decode()


def mermaid(plan: Outline) -> str:
    """A flowchart; the tasks of a physical plan are boxes around their operators."""
    lines = ["flowchart TD"]
    if plan.tasks:
        for place, task in enumerate(plan.tasks):
            lines.append(f'  subgraph t{place}["{_escaped(_instances(task))}"]')
            lines += [f"    {_mermaid_node(one)}" for one in _of(plan, task)]
            lines.append("  end")
    else:
        lines += [f"  {_mermaid_node(one)}" for one in plan.operators]
    lines += [f"  {before} --> {one.id}" for one in plan.operators for before in one.inputs]
    return "\n".join(lines)


# --- operators as a tree -------------------------------------------------------------------------------------------


def _tree_lines(operators: tuple[Operator, ...]) -> list[str]:
    readers: dict[str, list[Operator]] = {}
    for one in operators:
        for before in one.inputs:
            readers.setdefault(before, []).append(one)
    lines: list[str] = []

    def draw(one: Operator, indent: str, before: str | None) -> None:
        if before is not None and before != one.inputs[0]:
            lines[-1] += f"{one.kind} {one.name}, drawn at its first input"
            return
        lines[-1] += f"{_title(one)}  ({one.site})"
        below = readers.get(one.id, [])
        for reader in below:
            is_last = reader is below[-1]
            lines.append(f"{indent}{'└─ ' if is_last else '├─ '}")
            draw(reader, indent + ("   " if is_last else "│  "), one.id)

    for one in operators:
        if not one.inputs:
            lines += ["", ""]
            draw(one, "", None)
    return lines


# --- tasks ---------------------------------------------------------------------------------------------------------


def _task_lines(plan: Outline) -> Iterable[str]:
    for task in plan.tasks:
        yield ""
        yield f"task {_instances(task)}"
        yield from _labelled("reads", (_from(one) for one in plan.channels if one.target == task.name))
        yield from _labelled("after", (f"the table of {join} is read" for join in task.waits_for))
        yield from _labelled("runs", (_title(one) for one in _of(plan, task)))
        yield from _labelled("keeps", (f"{one.name}: {kept}" for one in _of(plan, task) for kept in one.state))
        yield from _labelled("grows", (f"{one.name}: {grown}" for one in _of(plan, task) for grown in one.grows))
        yield from _labelled("sends", (_to(plan, one) for one in plan.channels if one.source == task.name))


def _of(plan: Outline, task: Task) -> list[Operator]:
    return [one for one in plan.operators if one.id in task.operators]


def _labelled(label: str, lines: Iterable[str]) -> Iterable[str]:
    for place, line in enumerate(lines):
        yield f"  {'' if place else label:<6} {line}"


def _from(channel: Channel) -> str:
    return f"{channel.carries} from task {channel.source}{_as_table(channel)}"


def _to(plan: Outline, channel: Channel) -> str:
    target = next(one for one in plan.tasks if one.name == channel.target)
    divided = ", divided by key" if target.instances > 1 else ""
    return f"{channel.carries} to task {channel.target}{_as_table(channel)}{divided}"


def _as_table(channel: Channel) -> str:
    return ", as its table" if channel.port == "table" else ""


def _instances(task: Task) -> str:
    return f"{task.name}, {task.instances} instance{'' if task.instances == 1 else 's'}"


# --- one operator --------------------------------------------------------------------------------------------------


def _title(one: Operator) -> str:
    return f"{one.kind} {one.name}{f': {one.detail}' if one.detail else ''}"


def _mermaid_node(one: Operator) -> str:
    return f'{one.id}["{"<br>".join(_escaped(part) for part in (f"{one.kind} {one.name}", one.detail) if part)}"]'


def _escaped(label: str) -> str:
    """A label with Mermaid's own characters as entities."""
    entities = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"}
    return "".join(entities.get(letter, letter) for letter in label.replace("\n", " "))
