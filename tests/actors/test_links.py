"""Actors that fail together, under every runtime."""

from __future__ import annotations

import contextlib

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Message, Observe, Observed, Ref, receives
from actorstream.errors import ActorTerminated, LinkedFailure
from tests.actors.recorder import restarts
from tests.actors.runtimes import tree


class Tie(Message):
    ref: Ref


class Untie(Message):
    ref: Ref


class Fail(Message):
    pass


class Via(Message):
    """Let the actor at `ref` answer."""

    ref: Ref


class Answer(Message):
    to: Ref


class Done(Message):
    """Be done."""


class One(Actor, accepts=Tie | Untie | Fail | Done | Via | Answer):
    @receives(Tie)
    def on_tie(self, tie: Tie, context: Context) -> None:
        context.link(tie.ref)
        context.reply(tie)

    @receives(Untie)
    def on_untie(self, untie: Untie, context: Context) -> None:
        context.unlink(untie.ref)
        context.reply(untie)

    @receives(Fail)
    def on_fail(self, _: Fail, context: Context) -> None:
        raise ValueError("as it was told")

    @receives(Via)
    def on_via(self, via: Via, context: Context) -> None:
        context.send(via.ref, Answer(context.sender))

    @receives(Answer)
    def on_answer(self, answer: Answer, context: Context) -> None:
        context.send(answer.to, answer)

    @receives(Done)
    def on_done(self, done: Done, context: Context) -> None:
        context.stop()


@pytest.fixture
def pair(system: ActorSystem) -> tuple[Ref, Ref]:
    """Two that are linked."""
    a, b = (system.spawn(One, name=name, backoff="1ms") for name in ("a", "b"))
    system.ask(a, Tie(b))
    system.ask(a, Via(b))
    system.ask(b, Via(a))
    return a, b


def settle(system: ActorSystem, pair: tuple[Ref, Ref]) -> None:
    """Wait until each has heard of the other's end, whatever node they live on: the answer comes behind that."""
    for _ in range(3):
        for one, other in (pair, pair[::-1]):
            restarts(system, one)
            with contextlib.suppress(ActorTerminated):  # It failed with the other meanwhile; there is a next time.
                system.ask(one, Via(other))


@pytest.mark.parametrize("first", [0, 1])
def test_either_end_takes_the_other_with_it(system: ActorSystem, pair: tuple[Ref, Ref], first: int) -> None:
    """Both restart."""
    system.tell(pair[first], Fail())
    settle(system, pair)

    assert [restarts(system, ref) for ref in pair] == [1, 1]


@pytest.mark.one_process("a failure is remembered on the node where it happened")
def test_whoever_fails_with_another_says_so(system: ActorSystem, pair: tuple[Ref, Ref]) -> None:
    """Its reason names the other, and the other's error."""
    system.tell(pair[0], Fail())
    settle(system, pair)

    own, linked = (failure.error for failure in system.failures)
    assert isinstance(linked, LinkedFailure)
    assert linked.__cause__ is own


def test_a_link_is_of_two_incarnations(system: ActorSystem, pair: tuple[Ref, Ref]) -> None:
    """After both have failed they are no longer tied."""
    for _ in range(2):
        system.tell(pair[0], Fail())
        settle(system, pair)

    assert [restarts(system, ref) for ref in pair] == [2, 1]


def test_an_end_by_wish_fails_nobody(system: ActorSystem, pair: tuple[Ref, Ref]) -> None:
    """`Normal` only ends the link."""
    system.tell(pair[0], Done())
    settle(system, pair)

    assert [restarts(system, ref) for ref in pair] == [1, 0]


def test_what_was_untied_stays(system: ActorSystem, pair: tuple[Ref, Ref]) -> None:
    """From either end."""
    system.ask(pair[1], Untie(pair[0]))
    system.tell(pair[0], Fail())
    settle(system, pair)

    assert restarts(system, pair[1]) == 0


def test_linking_to_nobody_is_a_failure(system: ActorSystem) -> None:
    """Who builds on another that is not there must not go on."""
    one, other = system.spawn(One, backoff="1ms"), system.spawn(One)
    system.ask(one, Tie(Ref("nobody")))
    while restarts(system, one) == 0:
        settle(system, (one, other))

    assert restarts(system, one) == 1


def test_the_system_answers_for_a_suspended_actor(system: ActorSystem) -> None:
    """It tells that it waits, and why, without waiting for the restart."""
    one = system.spawn(One, name="one", backoff="1h")
    system.tell(one, Fail())
    while True:
        seen = system.ask(one, Observe())
        assert isinstance(seen, Observed)
        if seen.state == "suspended":
            break
        if system.runtime == "simulation":
            system.step()

    assert (seen.path, seen.restarts, seen.reason, seen.facts) == ("one", 0, "Crash: ValueError", {})
    assert tree(system) == "one  suspended  restarts=0  mailbox=0  Crash: ValueError"


def test_dead_letters_can_be_looked_at(system: ActorSystem) -> None:
    """Where they went, what they were, who sent them, and why they are dead."""
    before = system.dead_letters
    system.tell(Ref("nobody/here"), Fail())
    system.tree()  # Behind it.

    letter = system.newest_dead_letters[-1]
    assert (letter.path, letter.message, letter.sender) == ("nobody/here", "Fail", "?")
    assert letter.why == "there is no such actor"
    assert system.dead_letters == before + 1
