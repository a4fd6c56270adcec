"""Sending, replying and asking, under every runtime."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Message, Observe, Observed, Ref, receives
from actorstream.errors import ActorTerminated, AskTimeout, MailboxFull
from tests.actors.recorder import restarts
from tests.actors.runtimes import tree


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


class Listener(Actor, accepts=Greet):
    """Answers with all it has heard."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @receives(Greet)
    def on_greet(self, greet: Greet, context: Context) -> None:
        self.heard.append(greet.name)
        context.reply(Greeting(" ".join(self.heard)))


def test_messages_of_one_sender_keep_their_order(system: ActorSystem) -> None:
    """What is told to one actor is handled in the order in which it was told."""
    listener = system.spawn(Listener)
    for number in range(1_000):
        system.tell(listener, Greet(str(number)))

    assert system.ask(listener, Greet("last")) == Greeting(" ".join([*map(str, range(1_000)), "last"]))


@pytest.mark.one_process("what has no handler is counted and logged on the node where it came")
def test_a_message_without_a_handler_is_counted_and_logged(system: ActorSystem, logged: list[Any]) -> None:
    """An actor lets a message it does not know pass, and the system says so."""
    greeter = system.spawn(Greeter, name="greeter")

    system.tell(greeter, Greeting("hello yourself"))
    system.ask(greeter, Greet("Ada"))

    assert system.unhandled == 1
    assert [(entry["event"], entry["actor"], entry["message"]) for entry in logged] == [
        ("message unhandled", "greeter", "Greeting")
    ]


def test_a_message_to_nobody_is_a_dead_letter(system: ActorSystem) -> None:
    """What is sent to a path where nobody lives is counted."""
    greeter = system.spawn(Greeter)
    before = system.dead_letters

    system.tell(Ref("nowhere"), Greet("Ada"))
    system.ask(greeter, Greet("Ada"))

    assert system.dead_letters == before + 1


def test_an_answer_to_nobody_is_no_dead_letter(system: ActorSystem) -> None:
    """Replying to what was told from outside leads nowhere, on purpose."""
    greeter = system.spawn(Greeter)
    before = system.dead_letters

    system.tell(greeter, Greet("Ada"))
    system.ask(greeter, Greet("Bob"))

    assert system.dead_letters == before


class Small(Greeter):
    mailbox_max = 2


class Flooding(Actor, accepts=Greet):
    """Sends more than a mailbox holds; "catch" answers with what that raised."""

    def started(self, context: Context) -> None:
        self.small = context.spawn(Small)

    @receives(Greet)
    def on_greet(self, greet: Greet, context: Context) -> None:
        try:
            for _ in range(3):
                context.send(self.small, greet)
        except MailboxFull as error:
            if greet.name != "catch":
                raise
            context.reply(Greeting(type(error).__name__))


def test_a_full_mailbox_is_a_failure_of_the_sender(system: ActorSystem) -> None:
    """Sending more than a mailbox holds raises in the handler that sends."""
    flooding = system.spawn(Flooding, name="flooding", backoff="1ms")

    assert system.ask(flooding, Greet("catch")) == Greeting("MailboxFull")
    with pytest.raises(ActorTerminated):
        system.ask(flooding, Greet("Ada"))


def test_actors_are_found_by_path(system: ActorSystem) -> None:
    """`find` gives the ref of whoever lives at a path, and says when nobody does."""
    greeter = system.spawn(Greeter, name="greeter")

    assert system.find("greeter") == greeter
    with pytest.raises(LookupError, match="no actor at 'porter'"):
        system.find("porter")


def test_a_name_is_taken_once(system: ActorSystem) -> None:
    """Two actors cannot live at one path."""
    system.spawn(Greeter, name="greeter")

    with pytest.raises(ValueError, match="there is an actor at greeter already"):
        system.spawn(Greeter, name="greeter")


@pytest.mark.parametrize("name", ["a/b", "?x"])
def test_a_name_is_one_part_of_a_path(system: ActorSystem, name: str) -> None:
    """Names that would not fit a path are refused."""
    with pytest.raises(ValueError, match="cannot be named"):
        system.spawn(Greeter, name=name)


def test_what_is_pinned_to_an_ended_incarnation_is_a_dead_letter(system: ActorSystem) -> None:
    """A pinned ref does not follow restarts."""
    greeter = system.spawn(Greeter)

    with pytest.raises(ActorTerminated):
        system.ask(greeter.pinned(999_999), Greet("Ada"))


@pytest.mark.one_process("an actor elsewhere has no system to ask")
def test_an_actor_cannot_wait_for_an_answer(system: ActorSystem) -> None:
    """Asking from within a handler would block everybody, so it is refused."""

    class Impatient(Actor):
        @receives(Greet)
        def on_greet(self, greet: Greet, context: Context) -> None:
            system.ask(context.self, greet)

    with pytest.raises(ActorTerminated):
        system.ask(system.spawn(Impatient), Greet("Ada"))
    assert [type(failure.error) for failure in system.failures] == [RuntimeError]


@pytest.mark.own_system("it stops the system")
def test_asking_a_stopped_system_says_so(system: ActorSystem) -> None:
    """After `stop` an ask ends at once."""
    greeter = system.spawn(Greeter)
    system.stop()

    with pytest.raises(ActorTerminated, match="has stopped"):
        system.ask(greeter, Greet("Ada"))


def test_a_number_of_nodes_that_makes_no_sense_is_refused() -> None:
    """One clear line, and nothing is started."""
    with pytest.raises(ValueError, match="nodes is -1; use a number from 0 to"):
        ActorSystem(nodes=-1)


class Reception(Actor):
    """Has a greeter."""

    def started(self, context: Context) -> None:
        context.spawn(Greeter, name="greeter")


def test_the_tree_can_be_read_by_people_and_programs(system: ActorSystem) -> None:
    """`tree` tells names, states, restarts and mailboxes."""
    desk = system.spawn(Reception, name="desk")
    restarts(system, desk)

    assert tree(system) == ("desk  running  restarts=0  mailbox=0\n  greeter  running  restarts=0  mailbox=0")
    [top] = json.loads(system.tree(format="json"))
    assert [child["path"] for child in top["children"]] == ["desk/greeter"]
