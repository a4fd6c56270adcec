"""An actor that does what it is told, for tests of what actors can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actorstream.actors import Actor, Context, ExitReason, Message, receives
from tests.actors.recorder import RECORDER, Happened, record


class Do(Message):
    """Call `act` with the actor and its context."""

    act: Callable[[Any, Context], object]


class Doer(Actor, accepts=Do):
    """Does what it is told, and tells the recorder when it starts and stops."""

    def __init__(self, name: str = "doer") -> None:
        self.name = name

    def started(self, context: Context) -> None:
        record(context, f"{self.name} started")

    def stopped(self, context: Context, reason: ExitReason) -> None:
        record(context, f"{self.name} stopped: {type(reason).__name__}")

    @receives(Do)
    def on_do(self, do: Do, context: Context) -> None:
        do.act(self, context)

    @receives(Happened)
    def on_happened(self, happened: Happened, context: Context) -> None:
        context.send(RECORDER, happened)


def fail(_: Any, __: Context) -> None:
    """Raise, as a handler might."""
    raise ValueError("as it was told")


def stop(_: Any, context: Context) -> None:
    context.stop()
