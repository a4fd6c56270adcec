"""What a supervision decided, done to the children of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorstream.actors.message import Crash, ExitReason
from actorstream.actors.own import OwnTimer
from actorstream.actors.supervision import Effect, Escalate, Forget, Pause, Start, Stop
from actorstream.errors import ActorTerminated

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell


def apply(cell: Cell, effects: list[Effect]) -> None:
    """Start, stop, forget children of `cell`, or wait before that, or let it fail."""
    for effect in effects:
        match effect:
            case Start(name):
                cell.child_cells[name].start()
            case Stop(name):
                cell.child_cells[name].tell_to_stop()
            case Pause(name, number, pause_us):
                _pause(cell, name, number, pause_us)
            case Forget(name):
                cell.child_cells.pop(name).remove()
            case Escalate(name, reason):
                _escalate(cell, name, reason)


def _pause(cell: Cell, name: str, number: int, pause_us: int) -> None:
    if name in cell.child_cells:  # It may have left its round, which goes on without it.
        cell.child_cells[name].suspend()
    incarnation = cell.incarnation

    def on_pause_over() -> None:
        apply(cell, cell.supervision.on_pause_over(name, number))

    def over(timer: OwnTimer) -> None:
        timer.forget()
        cell.signal(incarnation, on_pause_over)

    cell.own_timers().add(cell.kernel.scheduler, pause_us, over)


def _escalate(cell: Cell, name: str, reason: ExitReason) -> None:
    error = ActorTerminated(f"{cell.path or 'the system'} gives up: {name} ended more often than it may restart")
    error.__cause__ = reason.error if isinstance(reason, Crash) else None
    cell.fail(error, None)
