"""What waits until it is known on which node a path lives: messages, errands of the nodes themselves, questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from actorstream.actors.message import Message
from actorstream.actors.ref import Ref


@dataclass(frozen=True, slots=True)
class Mail:
    """A message for the actor that is sought."""

    target: Ref
    message: Message
    sender: Ref


@dataclass(frozen=True, slots=True)
class Errand:
    """A message for the node itself on which it lives."""

    message: Message


@dataclass(frozen=True, slots=True)
class Question:
    """Somebody wants to know: called with the node's number, or None."""

    done: Callable[[int | None], None]


@dataclass(slots=True)
class Notice:
    """What must not overtake the mail before it, in any of the queues that it stands in.

    `queues`: in how many it still stands.
    """

    send: Callable[[], None]
    queues: int

    def advance(self) -> None:
        """One of the queues has moved on."""
        self.queues -= 1
        if not self.queues:
            self.send()


Item = Mail | Errand | Question | Notice
