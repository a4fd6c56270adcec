"""The tree of actors, drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from actorstream.actors.cell import Cell
from actorstream.actors.family import Child
from actorstream.actors.observing import credit

Trees = Mapping[str, bytes]
"""Subtrees that live on other nodes, by path, as `describe` gives them."""


def show_tree(root: Cell, form: Literal["text", "json"], elsewhere: Trees, node: str = "") -> str:
    """All below `root`, one a line with its children indented, or as JSON.

    Args:
        root: whose children are shown.
        form: "text" or "json".
        elsewhere: what lives on other nodes.
        node: the name of this one; "" if there are no others.

    Raises:
        ValueError: another format.
    """
    data = [_as_data(child, elsewhere, node) for child in root.child_cells.values()]
    if form == "json":
        return msgspec.json.encode(data).decode()
    if form == "text":
        return "\n".join(line for one in data for line in _lines(one, 0))
    raise ValueError(f"format is {form!r}; use 'text' or 'json'")


def describe(cell: Cell, node: str) -> bytes:
    """One actor of the node called `node` and all below it that lives there, as JSON."""
    return msgspec.json.encode(_as_data(cell, {}, node))


def _lines(data: Mapping[str, Any], depth: int) -> Iterator[str]:
    name = data["path"].rpartition("/")[2]
    node = f"  node={data['node']}" if data["node"] else ""
    why = f"  {data['reason']}" if data["reason"] else ""
    facts = f"restarts={data['restarts']}  mailbox={data['mailbox']}{_credit(data['credit'])}{node}{why}"
    yield f"{'  ' * depth}{name}  {data['state']}  {facts}"
    for child in data["children"]:
        yield from _lines(child, depth + 1)


def _credit(channels: Mapping[str, Mapping[str, int]]) -> str:
    """Of the channel that has the least left: records left, of how many."""
    if not channels:
        return ""
    least = min(channels.values(), key=lambda channel: channel["left"])
    return f"  credit={least['left']}/{least['window']}"


def _as_data(child: Child, elsewhere: Trees, node: str) -> dict[str, Any]:
    facts = {
        "path": child.path,
        "actor": child.spec.actor.__name__,
        "state": child.shown_state,
        "incarnation": child.incarnation,
        "restarts": child.restarts,
        "mailbox": 0,
        "credit": {},
        "reason": child.why,
        "node": node,
        "children": [],
    }
    if isinstance(child, Cell):
        facts["mailbox"] = len(child.mail)
        facts["credit"] = credit(child)
        facts["children"] = [_as_data(one, elsewhere, node) for one in child.child_cells.values()]
    else:
        facts |= {"node": child.node_name, **_elsewhere(child, elsewhere)}
    return facts


def _elsewhere(child: Child, elsewhere: Trees) -> dict[str, Any]:
    """What the node of an outpost tells of it; how often it restarted, and how it is, its parent knows best."""
    told = elsewhere.get(child.path)
    if told is None:
        return {}
    facts: dict[str, Any] = msgspec.json.decode(told)
    return {
        "mailbox": facts["mailbox"],
        "credit": facts["credit"],
        "children": [_filled(one, elsewhere) for one in facts["children"]],
    }


def _filled(facts: dict[str, Any], elsewhere: Trees) -> dict[str, Any]:
    """What a node tells of an actor whose home is a third node is filled in from that node's."""
    told = elsewhere.get(facts["path"])
    if told is not None:
        facts |= {
            key: value for key, value in msgspec.json.decode(told).items() if key in ("mailbox", "credit", "children")
        }
    facts["children"] = [_filled(one, elsewhere) for one in facts["children"]]
    return facts
