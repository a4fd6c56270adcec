"""The way to the actors of one log, whichever process they live in."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from typing import Protocol, TypeVar

from actorstream.actors import Message
from actorstream.log.answers import answer_of
from actorstream.log.target import Target

ASK_TIMEOUT_US = 30_000_000
"""How long a question to the log may take, unless asked otherwise."""

M = TypeVar("M", bound=Message)


class Transport(Protocol):
    """See the module."""

    @property
    def is_lost(self) -> bool:
        """Whether there is no log at the other end any more; another way may lead to whoever took it over."""
        ...

    def ask_future(self, target: Target, message: Message, timeout_us: int = ASK_TIMEOUT_US) -> Future[Message]:
        """Ask; the answer may be `Refused`. The future ends in time, with an error if need be.

        Raises:
            ActorTerminated: there is no log any more.
        """
        ...

    def wait(self, answer: Future[Message]) -> Message:
        """The answer, when it is there.

        Raises:
            AskTimeout: there was none in time.
            ActorTerminated: whoever was asked is gone.
        """
        ...

    def wait_any(self, answers: Collection[Future[Message]]) -> None:
        """Return when one of the answers is there, or will never be."""
        ...

    def pause(self, length_us: int) -> None:
        """Let so much time pass, before something is tried again."""
        ...

    def now_us(self) -> int:
        """What time it is, in microseconds."""
        ...

    def close(self) -> None:
        """Let go; nothing if that was done."""
        ...


def ask(transport: Transport, target: Target, message: Message, kind: type[M], timeout_us: int = ASK_TIMEOUT_US) -> M:
    """Ask, wait, and raise what was refused.

    Raises:
        ActorstreamError: the question could not be served; the error says why.
    """
    return answer_of(transport.wait(transport.ask_future(target, message, timeout_us)), kind)
