"""Actors that say where they live, for tests with several hosts."""

from __future__ import annotations

import os

from actorstream.actors import Actor, Context, Message, Terminated, receives


class Where(Message):
    """Where do you live? Answered by `Here`."""


class Here(Message):
    """In this process."""

    pid: int


class Worker(Actor, accepts=Where):
    """Says where it lives."""

    @receives(Where)
    def on_where(self, _: Where, context: Context) -> None:
        context.reply(Here(os.getpid()))


class Ends(Message):
    """What have you been told? Answered by `Told`."""


class Told(Message):
    """Why the watched actor ended, each time."""

    reasons: list[str]


class Watcher(Actor, accepts=Ends | Terminated):
    """Watches the actor at a path."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.reasons: list[str] = []

    def started(self, context: Context) -> None:
        context.watch(context.find(self.path))

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        self.reasons.append(repr(ended.reason))

    @receives(Ends)
    def on_ends(self, _: Ends, context: Context) -> None:
        context.reply(Told(self.reasons))
