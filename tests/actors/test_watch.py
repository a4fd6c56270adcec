"""Who is told when an actor ends, under every runtime."""

from __future__ import annotations

from typing import Any

import pytest

from actorstream.actors import (
    Actor,
    ActorSystem,
    Context,
    Crash,
    Killed,
    Message,
    Normal,
    Ref,
    Shutdown,
    Terminated,
    receives,
)
from tests.actors.recorder import Happened, Recorder, record, story


class Say(Message):
    """Tell `listener` all of `words`, then end as `end` says."""

    listener: Ref
    words: tuple[str, ...] = ()
    end: str = ""


class Look(Message):
    at: Ref


class LookAway(Message):
    at: Ref


class Fail(Message):
    pass


class Knock(Message):
    """Let the actor at `at` answer."""

    at: Ref


class Answer(Message):
    to: Ref


class Speaker(Actor, accepts=Say | Answer):
    @receives(Answer)
    def on_answer(self, answer: Answer, context: Context) -> None:
        context.send(answer.to, answer)

    @receives(Say)
    def on_say(self, say: Say, context: Context) -> None:
        for word in say.words:
            context.send(say.listener, Happened(word))
        if say.end == "crash":
            raise ValueError
        if say.end == "stop":
            context.stop()


class Watcher(Actor, accepts=Look | LookAway | Terminated):
    @receives(Look)
    def on_look(self, look: Look, context: Context) -> None:
        context.watch(look.at)
        context.reply(look)

    @receives(Knock)
    def on_knock(self, knock: Knock, context: Context) -> None:
        context.send(knock.at, Answer(context.sender))

    @receives(Answer)
    def on_answer(self, answer: Answer, context: Context) -> None:
        context.send(answer.to, answer)

    @receives(LookAway)
    def on_look_away(self, look: LookAway, context: Context) -> None:
        context.unwatch(look.at)
        context.reply(look)

    @receives(Happened)
    def on_happened(self, happened: Happened, context: Context) -> None:
        record(context, happened.what)

    @receives(Fail)
    def on_fail(self, _: Fail, context: Context) -> None:
        raise ValueError

    @receives(Terminated)
    def on_terminated(self, terminated: Terminated, context: Context) -> None:
        record(context, (terminated.ref, terminated.incarnation, type(terminated.reason)))


@pytest.fixture
def watcher(system: ActorSystem) -> Ref:
    system.spawn(Recorder, name="recorder")
    return system.spawn(Watcher, name="watcher", backoff="1ms")


def watch(system: ActorSystem, watcher: Ref, ref: Ref) -> None:
    """Let `watcher` watch, and wait until the node of the one who is watched knows: its answer comes behind that."""
    system.ask(watcher, Look(ref))
    system.ask(watcher, Knock(ref))


def reasons(things: list[Any]) -> list[Any]:
    """The reasons of what a watcher recorded."""
    return [thing[2] if isinstance(thing, tuple) else thing for thing in things]


def test_a_watcher_is_told_after_all_else(system: ActorSystem, watcher: Ref) -> None:
    """`Terminated` comes once, behind the messages that the actor sent before."""
    speaker = system.spawn(Speaker, restart="temporary")
    watch(system, watcher, speaker)

    system.tell(speaker, Say(watcher, ("one", "two"), "stop"))

    assert reasons(story(system, 3)) == ["one", "two", Normal]


def test_each_incarnation_ends_once(system: ActorSystem, watcher: Ref) -> None:
    """A watch follows restarts: one `Terminated` for each incarnation, with its number."""
    speaker = system.spawn(Speaker, backoff="1ms")
    watch(system, watcher, speaker)
    watch(system, watcher, speaker)  # Watching twice is watching once.

    system.tell(speaker, Say(watcher, (), "crash"))
    system.tell(speaker, Say(watcher, (), "crash"))

    first, second = story(system, 2)
    assert (first[2], second[2]) == (Crash, Crash)
    assert first[1] < second[1]


def test_watching_the_dead_is_answered_at_once(system: ActorSystem, watcher: Ref) -> None:
    """Whoever watches too late is told when and why it ended."""
    speaker = system.spawn(Speaker, restart="temporary")
    other = system.spawn(Watcher)
    watch(system, other, speaker)
    system.tell(speaker, Say(watcher, (), "stop"))
    [seen] = story(system, 1)

    system.ask(watcher, Look(speaker))

    assert story(system, 2) == [seen, seen]


def test_watching_whom_nobody_knew_is_answered_at_once(system: ActorSystem, watcher: Ref) -> None:
    """A path where nobody has lived answers with incarnation 0."""
    system.ask(watcher, Look(Ref("nowhere")))

    assert story(system, 1) == [(Ref("nowhere"), 0, Killed)]


def test_watching_between_two_incarnations_is_answered_at_once(system: ActorSystem, watcher: Ref) -> None:
    """An actor that waits for its restart has ended; the next end is told, too."""
    speaker = system.spawn(Speaker, backoff="250ms")
    other = system.spawn(Watcher)
    watch(system, other, speaker)
    system.tell(speaker, Say(watcher, (), "crash"))
    [seen] = story(system, 1)

    system.ask(watcher, Look(speaker))
    assert story(system, 2) == [seen, seen]
    system.ask(watcher, Look(speaker))  # It has been told of this end.
    system.tell(speaker, Say(watcher, (), "crash"))

    *earlier, last, again = story(system, 4)
    assert earlier == [seen, seen]
    assert last == again != seen


def test_watches_of_the_dead_are_forgotten(simulation: ActorSystem) -> None:
    """An actor that watches many short-lived ones does not keep a memory of each."""

    class Parent(Watcher):
        @receives(Fail)
        def on_fail(self, _: Fail, context: Context) -> None:
            context.watch(context.spawn(Speaker, restart="temporary"))
            context.send(Ref(f"{context.path}/speaker-1"), Say(context.self, (), "stop"))

    simulation.spawn(Recorder, name="recorder")
    parent = simulation.spawn(Parent)
    simulation.tell(parent, Fail())
    simulation.run()

    assert reasons(story(simulation, 1)) == [Normal]
    assert len(simulation._kernel.deaths) == 0


def test_whoever_looks_away_is_not_told(system: ActorSystem, watcher: Ref) -> None:
    """After `unwatch` nothing comes, while others are told."""
    speaker = system.spawn(Speaker, restart="temporary")
    watch(system, watcher, speaker)
    system.ask(watcher, LookAway(speaker))
    other = system.spawn(Watcher)
    watch(system, other, speaker)

    system.tell(speaker, Say(watcher, (), "stop"))
    story(system, 1)
    system.tell(watcher, Happened("nothing came"))

    assert reasons(story(system, 2)) == [Normal, "nothing came"]


def test_a_watch_ends_with_the_watcher(system: ActorSystem, watcher: Ref) -> None:
    """A restarted watcher is not told of what its predecessor watched."""
    speaker = system.spawn(Speaker, restart="temporary")
    watch(system, watcher, speaker)
    system.tell(watcher, Fail())
    system.ask(watcher, Look(Ref("nowhere")))  # Answered by the next incarnation.

    system.tell(speaker, Say(watcher, (), "stop"))
    other = system.spawn(Watcher)
    system.ask(other, Look(speaker))
    story(system, 2)
    system.tell(watcher, Happened("nothing came"))

    assert reasons(story(system, 3)) == [Killed, Normal, "nothing came"]


class ParentOfSpeaker(Watcher):
    def started(self, context: Context) -> None:
        context.spawn(Speaker, name="speaker")


def test_children_of_a_failed_actor_are_shut_down(system: ActorSystem, watcher: Ref) -> None:
    """When an actor restarts, its children end with `Shutdown`, and the new incarnation has new ones."""
    parent = system.spawn(ParentOfSpeaker, name="parent", backoff="1ms")
    watch(system, watcher, system.find("parent/speaker"))
    watch(system, watcher, parent)

    system.tell(parent, Fail())

    assert reasons(story(system, 2)) == [Shutdown, Crash]
    system.ask(parent, Look(Ref("recorder")))
    assert system.find("parent/speaker") == Ref("parent/speaker")
