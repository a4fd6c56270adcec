"""What is told of actors that cannot tell it themselves, and what a cell is about to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorstream.actors.message import Message, Observe
from actorstream.actors.own import Own
from actorstream.actors.state import State

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell


def answer_observers(cell: Cell) -> None:
    """Answer in the stead of an actor that can't, so that nobody waits for its restart to learn about it."""
    if cell.state is State.RUNNING or cell.state is State.STARTING:
        return
    observers = [sender for message, sender in cell.mail if type(message) is Observe]
    if observers:
        cell.drop_mail(lambda message: type(message) is Observe)
    for observer in observers:
        cell.kernel.send(observer, cell.observed(), cell.ref)


def peek(cell: Cell) -> str:
    """What the next step of a cell is about, for traces."""
    if cell.signals:
        return cell.signals[0][1].__name__
    if not cell.mail:
        return "-"
    return kind_of(cell.mail[0][0])


def kind_of(message: Message) -> str:
    """The name of the type of a message in a mailbox."""
    return type(message.message if isinstance(message, Own) else message).__name__
