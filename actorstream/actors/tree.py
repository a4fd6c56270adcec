"""The tree of actors, drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from actorstream.actors.cell import Cell
from actorstream.actors.observing import shown_state, why


def show_tree(root: Cell, form: Literal["text", "json"]) -> str:
    """All below `root`, one a line with its children indented, or as JSON.

    Raises:
        ValueError: another format.
    """
    if form == "json":
        return msgspec.json.encode([_as_data(cell) for cell in root.child_cells.values()]).decode()
    if form == "text":
        return "\n".join(line for cell in root.child_cells.values() for line in _lines(cell, 0))
    raise ValueError(f"format is {form!r}; use 'text' or 'json'")


def _lines(cell: Cell, depth: int) -> Iterator[str]:
    reason = f"  {why(cell)}" if why(cell) else ""
    line = f"{cell.spec.name}  {shown_state(cell)}  restarts={cell.restarts}  mailbox={len(cell.mail)}{reason}"
    yield "  " * depth + line
    for child in cell.child_cells.values():
        yield from _lines(child, depth + 1)


def _as_data(cell: Cell) -> dict[str, Any]:
    return {
        "path": cell.path,
        "actor": cell.spec.actor.__name__,
        "state": shown_state(cell),
        "incarnation": cell.incarnation,
        "restarts": cell.restarts,
        "mailbox": len(cell.mail),
        "reason": why(cell),
        "children": [_as_data(child) for child in cell.child_cells.values()],
    }
