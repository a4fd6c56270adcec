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
    from actorstream.actors.kernel import Kernel


class Links:
    """All links of one system, each kept at both of its ends."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._cells = kernel.cells
        self._others: dict[str, dict[str, None]] = {}  # By path, in the order in which they were made.

    def link(self, cell: Cell, ref: Ref) -> None:
        """Tie `cell` to `ref`; if that does not run, `cell` fails at once.

        Raises:
            ValueError: they are the same.
        """
        if ref.path == cell.path:
            raise ValueError(f"{cell.path} cannot be linked to itself")
        other = self._cells.get(ref.path)
        if other is None and self._kernel.cluster is not None and self._kernel.cluster.link(cell.path, ref.path):
            self.note(cell.path, ref.path)
            return
        if other is None or not other.is_alive or (ref.incarnation and not other.lives_as(ref.incarnation)):
            _fail(cell, ref.path, other.reason if other is not None and is_failure(other.reason) else None)
            return
        self.note(cell.path, ref.path)

    def note(self, path: str, other: str) -> None:
        """They fail together from now on."""
        self._others.setdefault(path, {})[other] = None
        self._others.setdefault(other, {})[path] = None

    def unlink(self, path: str, other: str) -> None:
        """They no longer fail together; nothing if they were not linked."""
        for one, its in ((path, other), (other, path)):
            others = self._others.get(one, {})
            others.pop(its, None)
            if not others:
                self._others.pop(one, None)

    def part(self, path: str, other: str) -> None:
        """An actor of ours wants no link to `other` any more; the node where that lives is told, too."""
        self.unlink(path, other)
        if self._kernel.cluster is not None and other not in self._cells:
            self._kernel.cluster.unlink(path, other)

    def on_ended(self, cell: Cell) -> None:
        """An incarnation of `cell` ended."""
        self.on_end(cell.path, cell.reason)

    def on_end(self, path: str, reason: ExitReason) -> None:
        """The incarnation at `path`, here or on another node, ended."""
        for other in list(self._others.get(path, ())):
            self.unlink(path, other)
            linked = self._cells.get(other)
            if linked is not None and is_failure(reason):
                _fail(linked, path, reason)


def _fail(cell: Cell, path: str, reason: ExitReason | None) -> None:
    why = type(reason).__name__ if reason is not None else "it does not run"
    error = LinkedFailure(f"{cell.path} is linked to {path}, which has ended: {why}")
    error.__cause__ = reason.error if isinstance(reason, Crash) else None

    def fail_with_other() -> None:
        cell.fail(error, None)

    cell.signal(cell.incarnation, fail_with_other)
