"""The form in which each operator keeps its state: what a program must have in common with the one that wrote it.

That is more than types: accumulators of another aggregate, or panes of another window, would be read without complaint
and be wrong. So the form of an operator is a few facts about it, in words, and the types of what it keeps, described.
What can be changed between two runs is not among them: functions, names of results, `allowed_lateness`, `emit`,
`parallelism`.
"""

from __future__ import annotations

from typing import Any

from actorstream.model.duration import show_us
from actorstream.streams import checks
from actorstream.streams.aggregates import Aggregate
from actorstream.streams.plan import joins as join_nodes
from actorstream.streams.plan import nodes
from actorstream.streams.plan.partial import key_of
from actorstream.streams.store.table import schema_of

Aggregates = tuple[tuple[str, Aggregate], ...]


def form_of(node: nodes.Stateful) -> dict[str, Any]:
    """The form of an operator's state: facts, and the descriptions of types as far as the program says them."""
    types = {"each key": getattr(node, "key_type", Any), **_types(node)}
    described = {what: schema_of(kind) for what, kind in types.items()}
    return {
        "facts": {"kind": node.kind, **_facts(node)},
        "types": {what: description for what, description in described.items() if description},
    }


def _facts(node: nodes.Stateful) -> dict[str, str]:
    match node:
        case nodes.WindowAggregate():
            return {"window": str(node.window), "aggregates": _show(node.aggregates)}
        case join_nodes.WindowJoin():
            kept = _columns_kept(node) if node.over_columns else "rows"
            return {"window": str(node.window), "what is kept": kept}
        case nodes.WindowNode():
            return {"window": str(node.window)}
        case nodes.RunningAggregate():
            return {"aggregates": _show(node.aggregates)}
        case nodes.MatchPattern(pattern=pattern, overlap=overlap):
            in_a_row = ", ".join(step.condition.name for step in pattern.steps if step.in_a_row)
            return {"pattern": str(pattern), "overlap": str(overlap), "repetition in a row": in_a_row or "none"}
        case join_nodes.IntervalJoin(how=how, within_us=within_us):
            return {"within": show_us(within_us), "how": how}
        case _:
            return {}


def _types(node: nodes.Stateful) -> dict[str, Any]:
    match node:
        case nodes.WindowAggregate() | nodes.RunningAggregate():
            of = key_of(node).type
            numbered = enumerate((one for _, one in node.aggregates), start=1)
            return {f"{one}, aggregate {place}": _type_of(of, one) for place, one in numbered if one.of is not None}
        case nodes.WindowApply() | nodes.WindowReduce() | nodes.MatchPattern():
            return {"each record": node.value_type}
        case nodes.Reduce():
            return {"each result": node.type}
        case nodes.TableJoin():
            return {"each row of the table": node.table_type}
        case join_nodes.WindowJoin(over_columns=True):
            sides = enumerate((node.left_type, node.right_type))
            return {
                f"{field} of the {('left', 'right')[side]}": checks.field_type(kind, field)
                for side, kind in sides
                for field in node.columns_of(side)
            }
        case join_nodes.Join() | join_nodes.WindowJoin():
            return {"each left value": node.left_type, "each right value": node.right_type}
        case _:
            return {}  # Of `process` each state has a schema of its own.


def _type_of(values: Any, one: Aggregate) -> Any:
    """The type of what is aggregated: of a field, or what the function is annotated to return."""
    if one.takes in ("ranked", "records"):
        return values
    return checks.result_type(one.of) if callable(one.of) else checks.field_type(values, one.of)


def _show(aggregates: Aggregates) -> str:
    return ", ".join(str(one) for _, one in aggregates)


def _columns_kept(node: join_nodes.WindowJoin) -> str:
    left, right = (", ".join(node.columns_of(side)) for side in (join_nodes.LEFT, join_nodes.RIGHT))
    return f"columns, of the left {left}, of the right {right}"
