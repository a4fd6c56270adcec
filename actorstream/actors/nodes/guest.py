"""A guest: an actor that lives on this node, while its parent lives on another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from actorstream.actors.message import ExitReason, Message
from actorstream.actors.nodes.messages import GuestEnded, StopChild
from actorstream.actors.ref import Ref

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell


class Guest:
    """The parent of a guest, as the guest sees it; it passes on what a parent must know.

    Attributes:
        node: the parent's.
        ref: the parent's, pinned.
        cell: the guest.
        life: its present one.
        orphaned: it does not come back after its end.
    """

    __slots__ = ("_bury", "_tell", "cell", "life", "node", "orphaned", "ref")

    cell: Cell

    def __init__(
        self, node: int, parent: Ref, tell: Callable[[int, Message], None], bury: Callable[[Guest], None]
    ) -> None:
        self.node = node
        self.ref = parent
        self.life = 0
        self.orphaned = False
        self._tell = tell
        self._bury = bury

    def report_end(self, name: str, reason: ExitReason) -> None:
        """The guest's incarnation ended."""
        self.tell_end(self.cell.incarnation, reason)
        if self.orphaned:
            self._bury(self)

    def tell_end(self, incarnation: int, reason: ExitReason) -> None:
        """Let the parent know, if it still lives; it may be ending, and wait for this."""
        self._tell(self.node, GuestEnded(self.cell.path, self.life, incarnation, reason))

    def request_stop(self, name: str) -> None:
        """Somebody stopped the guest."""
        self._tell(self.node, StopChild(self.cell.path))
