"""Background work: what an actor has done beside it, in another thread, and how it comes home.

Guarantees: the result, or the failure, reaches the incarnation that asked, in a turn of its own, or nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from actorstream.actors.message import FAILURES, Message

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell

Done = Callable[[Any], Message]


def begin(cell: Cell, work: Callable[[], Any], done: Done) -> None:
    """See `Context.background`."""
    incarnation = cell.incarnation
    cell.background_count += 1

    def on_background(result: Any, error: BaseException | None) -> None:
        _come_home(cell, result, error, done)

    def finished(result: Any, error: BaseException | None) -> None:
        cell.signal(incarnation, on_background, result, error)

    cell.kernel.scheduler.background(work, finished)


def _come_home(cell: Cell, result: Any, error: BaseException | None, done: Done) -> None:
    if cell.has_ended:
        return  # It came home after the `shutdown` time.
    cell.background_count -= 1
    if not cell.is_alive:
        cell.end_if_quiet()
    elif error is not None:
        cell.fail(error, None)
    else:
        _deliver(cell, result, done)


def _deliver(cell: Cell, result: Any, done: Done) -> None:
    try:
        message = done(result)
    except FAILURES as error:
        cell.fail(error, None)
    else:
        cell.post_own(message)
