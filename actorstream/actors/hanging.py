"""An actor that hangs, for the simulation: its next handler never returns, in virtual time.

After `hang_after` its incarnation ends as `Hung`; if it is told to stop before, it is killed after its `shutdown` time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from actorstream.actors.actor import Actor
from actorstream.actors.context import Context
from actorstream.actors.message import ExitReason, Hung, Killed, Message
from actorstream.actors.state import State

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell


def hang_next(cell: Cell, stuck: Callable[[Cell, Message], None] | None = None) -> None:
    """Let the next handler of this incarnation never return; `stuck` is told, if all of its node hangs with it."""

    def hang(_: Actor, message: Message, __: Context) -> None:
        if stuck is not None:
            stuck(cell, message)
            return
        cell.state = State.HUNG
        hang_after_us = cell.spec.hang_after_us
        if hang_after_us:
            _end_later(cell, hang_after_us, Hung(type(message).__name__, hang_after_us / 1e6))

    cell.table = dict.fromkeys(cell.table, hang)


def kill_later(cell: Cell) -> None:
    """It was told to stop, and can't hear it."""
    _end_later(cell, cell.spec.shutdown_us, Killed())


def _end_later(cell: Cell, after_us: int, reason: ExitReason) -> None:
    incarnation = cell.incarnation

    def end_hung() -> None:
        if isinstance(reason, Hung):
            cell.kernel.on_hung(cell, reason)
        cell.end(reason)

    cell.own_timers().add(cell.kernel.scheduler, after_us, lambda _: cell.signal(incarnation, end_hung))
