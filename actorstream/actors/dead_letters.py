"""Dead letters: messages that reached nobody, counted, and the newest kept to look at."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from actorstream.actors.limits import DEAD_LETTERS_MAX
from actorstream.actors.message import Message


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that reached nobody.

    Attributes:
        path: where it was sent.
        message: the name of its type.
        sender: the path of who sent it; "?" is the outside.
        why: for people.
        error: what it raised, if that is why.
    """

    path: str
    message: str
    sender: str
    why: str
    error: BaseException | None = None


class DeadLetters:
    """See the module.

    Attributes:
        count: how many there were.
        newest: the newest of them, oldest first.
    """

    def __init__(self) -> None:
        self.count = 0
        self.newest: deque[DeadLetter] = deque(maxlen=DEAD_LETTERS_MAX)

    def add(self, path: str, message: Message, sender: str, why: str, error: BaseException | None = None) -> None:
        """One more. Of the message only its type is kept, so that nothing is kept alive by it."""
        self.count += 1
        self.newest.append(DeadLetter(path, type(message).__name__, sender, why, error))
