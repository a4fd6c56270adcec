"""What an operator keeps from one record to the next, in words, and which of it grows for ever.

An estimate for people: how much depends on the number of keys, which only the input knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actorstream.model.duration import show_us
from actorstream.streams.checks import type_name
from actorstream.streams.inject import Injection
from actorstream.streams.plan import joins as join_nodes
from actorstream.streams.plan import nodes
from actorstream.streams.plan.nodes import Node, walk
from actorstream.streams.windows import RowsSpec, SessionSpec, WindowSpec


def kept_by(node: Node) -> tuple[str, ...]:
    """What the state of an operator is, a line for each of its parts."""
    match node:
        case nodes.Source():
            return (f"{'offset' if node.topic else 'position'} and watermark",)
        case nodes.WindowAggregate():
            names = ", ".join(name for name, _ in node.aggregates)
            return (f"accumulators of {names}, per key and {_window(node)}",)
        case nodes.WindowApply() | nodes.WindowReduce():
            return (f"each {type_name(node.value_type, 'record')}, per key and {_window(node)}",)
        case nodes.MatchPattern():
            what, within = type_name(node.value_type, "record"), show_us(node.pattern.within_us or 0)
            return (f"partial matches and each {what} of theirs, per key, dropped when {within} are over",)
        case nodes.Gaps():
            return ("the next number and what is missing, per key and partition, for ever",)
        case nodes.RunningAggregate():
            return (f"accumulators of {', '.join(name for name, _ in node.aggregates)}, per key, for ever",)
        case nodes.Reduce():
            return ("the last result, per key, for ever",)
        case nodes.Process():
            timers = (one for one in node.injected if one.kind == "timer")
            return tuple(_injected(one) for one in (*node.states(), *timers))
        case join_nodes.WindowJoin():
            what = "the columns that it takes" if node.over_columns else "each record"
            return (f"{what} of both sides, per key and {_window(node)}",)
        case join_nodes.IntervalJoin(within_us=within_us):
            return (f"each record of both sides, per key, dropped when {show_us(within_us)} are over",)
        case join_nodes.AsOfJoin():
            what = type_name(node.right_type, "value")
            return ("each record until its time has passed, per key", f"the {what} of now, per key, for ever")
        case join_nodes.TablesJoin():
            return ("the latest value of both tables, per key, until it is deleted",)
        case nodes.TableJoin():
            return (f"the latest {type_name(node.table_type, 'value')} of the table, per key, until it is deleted",)
        case _:
            return ()


def growth_of(node: Node) -> tuple[str, ...]:
    """What of it grows without bound, and what to do; nothing, if the operator's input ends."""
    if not _is_endless(node):
        return ()
    match node:
        case nodes.RunningAggregate() | nodes.Reduce():
            return ("with the number of keys: a window would let go of those that are past",)
        case nodes.Gaps():
            return ("with the number of keys: let them name producers, of which there are few",)
        case nodes.WindowNode(window=RowsSpec()):
            return ("with the number of keys: each has a window that is not full yet, until the input ends",)
        case nodes.Process():
            return tuple(_growth(one) for one in node.states() if one.ttl_us is None)
        case _:
            return ()


def _growth(one: Injection) -> str:
    return f"{one.parameter}, with the number of keys, unless the function, a timer or a State(ttl=) clears it"


def _is_endless(node: Node) -> bool:
    sources = (one for one in walk((node,)) if isinstance(one, nodes.Source))
    return any(one.topic is not None or not one.connector.bounded for one in sources)


def _window(node: nodes.WindowNode) -> str:
    """Of what extent one entry is, and when it is dropped."""
    dropped = f"dropped {show_us(node.allowed_lateness_us)} after" if node.allowed_lateness_us else "dropped when"
    match node.window:
        case SessionSpec():
            return f"session, {dropped} it closes"
        case RowsSpec(count):
            return f"{count} records, dropped when there are so many"
        case WindowSpec() as spec if spec.pane_us == spec.size_us:
            return f"{show_us(spec.size_us)} window, {dropped} it closes"
        case WindowSpec() as spec:
            return f"{show_us(spec.pane_us)} pane, {dropped} the last of its windows closes"


def _injected(one: Injection) -> str:
    if one.kind == "timer":
        return f"{one.parameter}: times, per key, each until it fires"
    types = ", ".join(_types(one.types))
    what = {"value": f"one {types or 'value'}", "list": f"a list of {types or 'values'}", "map": f"a map of {types}"}
    end = "" if one.ttl_us is None else f", or {show_us(one.ttl_us)} after it was last written"
    return f"{one.parameter}: {what[one.kind]}, per key, until it is cleared{end}"


def _types(types: Iterable[Any]) -> Iterable[str]:
    return (type_name(kind, "any") for kind in types)
