"""Links: actors that fail together, wherever they are in the tree.

Guarantees: when one end of a link fails, the other fails, once; a link ends with the incarnation of either end.
Leaves to others: what follows for each, which is its own supervisor's decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorstream.actors.message import Crash, ExitReason, is_failure
from actorstream.actors.ref import Ref
from actorstream.errors import LinkedFailure

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell


class Links:
    """All links of one system, each kept at both of its ends."""

    def __init__(self, cells: dict[str, Cell]) -> None:
        self._cells = cells
        self._others: dict[str, dict[str, None]] = {}  # By path, in the order in which they were made.

    def link(self, cell: Cell, ref: Ref) -> None:
        """Tie `cell` to `ref`; if that does not run, `cell` fails at once.

        Raises:
            ValueError: they are the same.
        """
        if ref.path == cell.path:
            raise ValueError(f"{cell.path} cannot be linked to itself")
        other = self._cells.get(ref.path)
        if other is None or not other.is_alive or (ref.incarnation and not other.lives_as(ref.incarnation)):
            _fail(cell, ref.path, other.reason if other is not None and is_failure(other.reason) else None)
            return
        self._others.setdefault(cell.path, {})[ref.path] = None
        self._others.setdefault(ref.path, {})[cell.path] = None

    def unlink(self, path: str, other: str) -> None:
        """They no longer fail together; nothing if they were not linked."""
        for one, its in ((path, other), (other, path)):
            others = self._others.get(one, {})
            others.pop(its, None)
            if not others:
                self._others.pop(one, None)

    def on_ended(self, cell: Cell) -> None:
        """An incarnation of `cell` ended."""
        for path in list(self._others.get(cell.path, ())):
            self.unlink(cell.path, path)
            if is_failure(cell.reason):
                _fail(self._cells[path], cell.path, cell.reason)


def _fail(cell: Cell, path: str, reason: ExitReason | None) -> None:
    why = type(reason).__name__ if reason is not None else "it does not run"
    error = LinkedFailure(f"{cell.path} is linked to {path}, which has ended: {why}")
    error.__cause__ = reason.error if isinstance(reason, Crash) else None

    def fail_with_other() -> None:
        cell.fail(error, None)

    cell.signal(cell.incarnation, fail_with_other)
