"""Messages: what actors send, and the few that the system itself sends."""

from __future__ import annotations

from typing import Any, dataclass_transform

import msgspec

from actorstream.actors.ref import Ref
from actorstream.model.tagged import name_of

_classes: dict[str, type[Message]] = {}  # process-wide: like classes themselves; the last definition of a name counts.


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Message(msgspec.Struct, frozen=True):
    """Base of all messages: frozen structs, named for their meaning.

    Within a process they are passed by reference, so what they hold must not be changed after sending.

    Example:
        >>> class Greet(Message):
        ...     name: str
        >>> Greet("Ada")
        Greet(name='Ada')
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _classes[name_of(cls)] = cls


def message_named(name: str) -> type[Message] | None:
    """The class of messages that has this name in every process of a program (`name_of`); None if it is not loaded."""
    return _classes.get(name)


class Normal(msgspec.Struct, frozen=True):
    """The actor said that it was done."""


class Shutdown(msgspec.Struct, frozen=True):
    """It was asked to stop, or whoever supervises it stopped or restarted."""


class Killed(msgspec.Struct, frozen=True):
    """It did not end within its `shutdown` time; its `stopped` hook was not called."""


class Crash(msgspec.Struct, frozen=True):
    """It failed: `error` was raised while it handled `message` (None: in a hook, or in background work)."""

    error: BaseException
    message: Message | None = None


class Hung(msgspec.Struct, frozen=True):
    """Its handler of `handler` (a message's type) did not come back for so many seconds, and its node was killed."""

    handler: str
    seconds: float


class Lost(msgspec.Struct, frozen=True):
    """The node where it lived is dead."""

    node: str


class Fenced(msgspec.Struct, frozen=True):
    """Somebody else does its work now, in a later epoch than `epoch`."""

    epoch: int


ExitReason = Normal | Shutdown | Killed | Crash | Hung | Lost | Fenced
"""Why an incarnation ended."""


def is_failure(reason: ExitReason) -> bool:
    """Whether it ended neither by its own wish nor because it was asked to.

    Example:
        >>> is_failure(Killed()), is_failure(Normal())
        (True, False)
    """
    return not isinstance(reason, Normal | Shutdown)


FAILURES = (Exception, SystemExit)
"""What is a failure of the actor that raised it. The rest, such as KeyboardInterrupt, is for the whole process."""


class Terminated(Message):
    """An incarnation of a watched actor ended. Comes after all that this actor sent before.

    `incarnation` is 0 if the system knows no actor of this path.
    """

    ref: Ref
    incarnation: int
    reason: ExitReason


class Observe(Message):
    """Ask any actor how it is. Answered by `Observed`; for one that waits for its restart, by the system."""


class Observed(Message):
    """A snapshot of one actor."""

    path: str
    state: str
    incarnation: int
    restarts: int
    mailbox: int  # messages waiting
    facts: dict[str, Any]  # what the actor's `observe` tells; empty if none runs
    reason: str = ""  # why none runs, as "Crash: ValueError"
