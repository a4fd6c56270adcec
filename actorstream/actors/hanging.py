"""Handlers that never return, in a simulation, where nothing really hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorstream.actors.actor import Actor
from actorstream.actors.context import Context
from actorstream.actors.message import ExitReason, Hung, Message
from actorstream.actors.state import State

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell


def hang_next(cell: Cell) -> None:
    """Let the next handler of the present incarnation of `cell` never return."""

    def hang(_: Actor, message: Message, __: Context) -> None:
        cell.state = State.HUNG
        if cell.spec.hang_after_us:
            hung = Hung(type(message).__name__, cell.spec.hang_after_us / 1e6)
            end_later(cell, cell.spec.hang_after_us, hung)

    cell.table = dict.fromkeys(cell.table, hang)


def end_later(cell: Cell, after_us: int, reason: ExitReason) -> None:
    """End an incarnation that hangs after so long, if it has not ended by then."""

    def end_hung() -> None:
        if isinstance(reason, Hung):
            cell.kernel.on_hung(cell, reason)
        cell.end(reason)

    cell.own_timers().add(cell.kernel.scheduler, after_us, lambda _: cell.signal(cell.incarnation, end_hung))
