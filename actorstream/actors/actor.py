"""What an actor is: state, a table of handlers, and two hooks.

The table is made when the class is created. A class that says what it accepts and has no handler for it is refused
at import, so that a message without a handler is found before anything runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_args

from actorstream.actors.limits import MAILBOX_MAX
from actorstream.actors.message import ExitReason, Message

if TYPE_CHECKING:
    from actorstream.actors.context import Context
    from actorstream.actors.specification import ChildSpec, Strategy

M = TypeVar("M", bound=Message)
A = TypeVar("A", bound="Actor")

Handler = Callable[[A, M, "Context"], None]

_MARK = "__receives__"


def receives(*messages: type[M]) -> Callable[[Handler[A, M]], Handler[A, M]]:
    """Mark a method as the handler of these types of messages (exactly these, not their subclasses).

    A subclass that overrides the method overrides the handler.
    """

    def mark(handler: Handler[A, M]) -> Handler[A, M]:
        setattr(handler, _MARK, messages)
        return handler

    return mark


class Actor:
    """Base of all actors. One handler runs at a time, and nobody else touches the actor's attributes.

    `accepts=` names the messages that must have a handler: one type, or a union. More handlers are allowed.

    Example:
        >>> class Greet(Message):
        ...     name: str
        >>> class Greeter(Actor, accepts=Greet):
        ...     @receives(Greet)
        ...     def on_greet(self, greet: Greet, context: Context) -> None:
        ...         context.reply(greet)
    """

    mailbox_max: ClassVar[int] = MAILBOX_MAX
    strategy: Strategy | None = None
    children: Sequence[ChildSpec] = ()

    _names: ClassVar[dict[type[Message], str]] = {}
    _table: ClassVar[dict[type[Message], Callable[..., None]]] = {}
    _accepts: ClassVar[tuple[type[Message], ...]] = ()

    def __init_subclass__(cls, accepts: Any = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._names = {**cls._inherited_names(), **_own_names(cls)}
        cls._table = {message: getattr(cls, name) for message, name in cls._names.items()}
        if accepts is not None:
            cls._accepts = get_args(accepts) or (accepts,)
        _check(cls)

    @classmethod
    def _inherited_names(cls) -> dict[type[Message], str]:
        names: dict[type[Message], str] = {}
        for base in reversed(cls.__mro__[1:]):
            if issubclass(base, Actor):
                names.update(base.__dict__.get("_names", {}))
        return names

    def started(self, context: Context) -> None:
        """Called before the first message of each incarnation. An error here is a failure of the actor."""

    def stopped(self, context: Context, reason: ExitReason) -> None:
        """Called once when an incarnation ends, after its children and its background work.

        Also after a `started` that raised, so it must cope with what is half there. It may send; it can no longer
        spawn, schedule, or start background work. Not called when the actor is killed.
        """

    def observe(self) -> dict[str, Any]:
        """Facts about this actor for `Observe`: plain values, for people and tests."""
        return {}


def _own_names(cls: type[Actor]) -> dict[type[Message], str]:
    names: dict[type[Message], str] = {}
    for name, member in vars(cls).items():
        for message in getattr(member, _MARK, ()):
            if message in names:
                raise TypeError(f"{cls.__name__} has two handlers for {message.__name__}: {names[message]} and {name}")
            names[message] = name
    return names


def _check(cls: type[Actor]) -> None:
    missing = [message.__name__ for message in cls._accepts if message not in cls._table]
    if missing:
        raise TypeError(f"{cls.__name__} accepts {', '.join(missing)}, but has no handler for it; add @receives")
    for message, handler in cls._table.items():
        if inspect.iscoroutinefunction(handler):
            raise TypeError(f"{cls.__name__}'s handler for {message.__name__} must be a plain function, not async")
