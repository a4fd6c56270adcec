"""What is checked when an actor's class is created."""

from __future__ import annotations

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Message, receives


class Ask(Message):
    pass


class Other(Message):
    pass


class Answer(Message):
    text: str


class Base(Actor, accepts=Ask):
    @receives(Ask)
    def on_ask(self, ask: Ask, context: Context) -> None:
        context.reply(Answer("base"))


def test_an_accepted_message_needs_a_handler() -> None:
    """A class that accepts what it does not handle is refused, and the message is named."""
    with pytest.raises(TypeError, match="Deaf accepts Other, but has no handler for it"):

        class Deaf(Actor, accepts=Ask | Other):
            @receives(Ask)
            def on_ask(self, ask: Ask, context: Context) -> None:
                pass


def test_one_message_has_one_handler() -> None:
    """Two handlers for one message are refused."""
    with pytest.raises(TypeError, match="Torn has two handlers for Ask: on_ask and on_ask_again"):

        class Torn(Actor):
            @receives(Ask)
            def on_ask(self, ask: Ask, context: Context) -> None:
                pass

            @receives(Ask)
            def on_ask_again(self, ask: Ask, context: Context) -> None:
                pass


def test_a_handler_is_a_plain_function() -> None:
    """A coroutine function would never be awaited, so it is refused."""
    with pytest.raises(TypeError, match="must be a plain function"):

        class Waiting(Actor):
            @receives(Ask)  # type: ignore[arg-type]
            async def on_ask(self, ask: Ask, context: Context) -> None:
                pass


def test_handlers_are_inherited(simulation: ActorSystem) -> None:
    """A subclass handles what its base handles."""

    class Child(Base, accepts=Ask | Other):
        @receives(Other)
        def on_other(self, other: Other, context: Context) -> None:
            pass

    assert simulation.ask(simulation.spawn(Child), Ask()) == Answer("base")


def test_overriding_the_method_overrides_the_handler(simulation: ActorSystem) -> None:
    """A subclass that overrides a handler's method need not mark it again."""

    class Child(Base):
        def on_ask(self, ask: Ask, context: Context) -> None:
            context.reply(Answer("child"))

    assert simulation.ask(simulation.spawn(Child), Ask()) == Answer("child")


def test_one_method_may_handle_several_messages(simulation: ActorSystem) -> None:
    """`receives` takes more than one type."""

    class Both(Actor, accepts=Ask | Other):
        @receives(Ask, Other)
        def on_any(self, message: Message, context: Context) -> None:
            context.reply(Answer(type(message).__name__))

    both = simulation.spawn(Both)

    assert [simulation.ask(both, Ask()), simulation.ask(both, Other())] == [Answer("Ask"), Answer("Other")]


def test_a_message_cannot_be_changed() -> None:
    """Messages are frozen without saying so."""
    answer = Answer("yes")

    with pytest.raises(AttributeError):
        answer.text = "no"  # type: ignore[misc]
