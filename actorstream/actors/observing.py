"""How an actor is, for whoever asks: its own answer, and the system's for one that can't answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorstream.actors.message import FAILURES, Crash, ExitReason, Message, Observe, Observed
from actorstream.actors.own import Own
from actorstream.actors.state import State
from actorstream.errors import RemoteError

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell


def shown_state(cell: Cell) -> str:
    """The state for people; also when asked from another thread while a handler hangs."""
    return str(State.HUNG if cell.kernel.scheduler.hung is cell else cell.state)


def why(cell: Cell) -> str:
    """Why no incarnation runs, for people; empty while one does."""
    return "" if cell.is_alive else told(cell.reason)


def told(reason: ExitReason) -> str:
    """A reason for people, such as "Crash: ValueError"."""
    if not isinstance(reason, Crash):
        return type(reason).__name__
    error = reason.error
    kind = error.kind.rpartition(".")[2] if isinstance(error, RemoteError) else type(error).__name__
    return f"Crash: {kind}"


def credit(cell: Cell) -> dict[str, dict[str, int]]:
    """The credit of an actor's channels, if it tells; an actor that cannot tell is no reason to show nothing."""
    if cell.instance is None or cell.state is not State.RUNNING:
        return {}
    try:
        found = cell.instance.observe().get("credit", {})
    except FAILURES:
        return {}
    return found if isinstance(found, dict) else {}


def observed(cell: Cell) -> Observed:
    """A snapshot. Only of one that runs the actor itself is asked for facts: another may be half there."""
    facts = cell.instance.observe() if cell.instance is not None and cell.state is State.RUNNING else {}
    return Observed(
        cell.path, shown_state(cell), cell.incarnation, cell.restarts, len(cell.mail), facts, reason=why(cell)
    )


def peek(cell: Cell) -> str:
    """What the next step of a cell is about, for traces."""
    if cell.signals:
        return cell.signals[0][1].__name__
    return kind_of(cell.mail[0][0]) if cell.mail else "-"


def kind_of(message: Message) -> str:
    """The name of the type of a message in a mailbox."""
    return type(message.message if isinstance(message, Own) else message).__name__


def answer_observers(cell: Cell) -> None:
    """Answer in the stead of an actor that can't, so that nobody waits for its restart to learn about it."""
    if cell.state is State.RUNNING or cell.state is State.STARTING:
        return
    observers = [sender for message, sender in cell.mail if type(message) is Observe]
    if observers:
        cell.drop_mail(lambda message: type(message) is Observe)
    for observer in observers:
        cell.kernel.tell(observer, observed(cell), cell.ref)
