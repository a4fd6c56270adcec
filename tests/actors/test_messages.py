"""Sending, replying and asking, under every runtime."""

from __future__ import annotations

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Message, Observe, Observed, Ref, receives
from actorstream.errors import ActorTerminated, AskTimeout


class Greet(Message):
    name: str


class Greeting(Message):
    text: str


class Forget(Message):
    pass


class Greeter(Actor, accepts=Greet | Forget):
    """Answers `Greet`, and never `Forget`."""

    def __init__(self, word: str = "hello") -> None:
        self.word = word

    @receives(Greet)
    def on_greet(self, greet: Greet, context: Context) -> None:
        context.reply(Greeting(f"{self.word} {greet.name}"))

    @receives(Forget)
    def on_forget(self, forget: Forget, context: Context) -> None:
        pass

    def observe(self) -> dict[str, object]:
        return {"word": self.word}


def test_an_actor_answers(system: ActorSystem) -> None:
    """What an actor replies is what `ask` returns."""
    greeter = system.spawn(Greeter, "good morning", name="greeter")

    assert system.ask(greeter, Greet("Ada")) == Greeting("good morning Ada")


def test_an_ask_without_an_answer_times_out(system: ActorSystem) -> None:
    """An actor that does not reply lets the ask end in `AskTimeout`."""
    greeter = system.spawn(Greeter)

    with pytest.raises(AskTimeout, match="did not answer within 0.02 s"):
        system.ask(greeter, Forget(), timeout="20ms")


def test_an_ask_of_nobody_ends_at_once(system: ActorSystem) -> None:
    """Asking a path where nobody lives is `ActorTerminated`."""
    with pytest.raises(ActorTerminated, match="no actor at nowhere"):
        system.ask(Ref("nowhere"), Greet("Ada"))


def test_every_actor_can_be_observed(system: ActorSystem) -> None:
    """`Observe` is answered with a snapshot that holds the facts the actor tells."""
    greeter = system.spawn(Greeter, name="greeter")

    seen = system.ask(greeter, Observe())

    assert isinstance(seen, Observed)
    assert (seen.path, seen.state, seen.restarts, seen.facts) == ("greeter", "running", 0, {"word": "hello"})
