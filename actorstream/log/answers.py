"""Answers, checked: of the kind that was expected, or raised as the error that they stand for."""

from __future__ import annotations

from typing import TypeVar

from actorstream.actors import Message
from actorstream.log.messages import Refused
from actorstream.log.refusals import error_of

M = TypeVar("M", bound=Message)


def answer_of(message: Message, kind: type[M]) -> M:
    """The answer, if it is of this kind.

    Raises:
        ActorstreamError: it was refused.
    """
    if isinstance(message, Refused):
        raise error_of(message)
    assert isinstance(message, kind), f"{type(message).__name__} where {kind.__name__} was asked for"
    return message
