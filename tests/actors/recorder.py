"""An actor that writes down what others tell it, and whoever wants to can wait for it."""

from __future__ import annotations

from typing import Any

from actorstream.actors import Actor, ActorSystem, Context, Message, Observe, Observed, Ref, receives


class Happened(Message):
    """Write down `what`."""

    what: Any


class Wait(Message):
    """Answer with all that happened, once it is `count` things."""

    count: int


class Story(Message):
    """What happened, in order."""

    things: list[Any]


class Recorder(Actor, accepts=Happened | Wait):
    """See the module."""

    def __init__(self) -> None:
        self.things: list[Any] = []
        self.waiting: list[tuple[int, Ref]] = []

    @receives(Happened)
    def on_happened(self, happened: Happened, context: Context) -> None:
        self.things.append(happened.what)
        self.answer(context)

    @receives(Wait)
    def on_wait(self, wait: Wait, context: Context) -> None:
        self.waiting.append((wait.count, context.sender))
        self.answer(context)

    def answer(self, context: Context) -> None:
        for count, sender in self.waiting:
            if len(self.things) >= count:
                context.send(sender, Story(list(self.things)))
        self.waiting = [(count, sender) for count, sender in self.waiting if len(self.things) < count]


RECORDER = Ref("recorder")


def record(context: Context, what: Any) -> None:
    """Tell the recorder."""
    context.send(RECORDER, Happened(what))


def story(system: ActorSystem, count: int) -> list[Any]:
    """What has happened, once it is `count` things."""
    answer = system.ask(RECORDER, Wait(count))
    assert isinstance(answer, Story)
    return answer.things


def restarts(system: ActorSystem, ref: Ref) -> int:
    """How often it restarted, once it runs."""
    while True:
        seen = system.ask(ref, Observe())
        assert isinstance(seen, Observed)
        if seen.state == "running":
            return seen.restarts
        if system.runtime == "simulation":
            system.step()  # The answer was there at once.
