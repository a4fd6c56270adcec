"""A name that was given to an actor on one node, and then to another actor on another node."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Message, Ref, Terminated, receives
from actorstream.actors.nodes.locations import Locations
from tests.actors.recorder import Recorder, record, story


class Via(Message):
    """Let the actor at "x" answer."""


class Answer(Message):
    to: Ref


class Look(Message):
    """Watch "x"."""


class Go(Message):
    """Stop."""


X = Ref("x")


class One(Actor, accepts=Via | Answer | Look | Go | Terminated):
    @receives(Via)
    def on_via(self, _: Via, context: Context) -> None:
        context.send(X, Answer(context.sender))

    @receives(Answer)
    def on_answer(self, answer: Answer, context: Context) -> None:
        context.send(answer.to, answer)

    @receives(Look)
    def on_look(self, look: Look, context: Context) -> None:
        context.watch(X)
        context.reply(look)

    @receives(Go)
    def on_go(self, _: Go, context: Context) -> None:
        context.stop()

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        record(context, ended.incarnation)


@pytest.fixture
def system() -> Iterator[ActorSystem]:
    with ActorSystem(nodes=3, runtime="simulation") as system:
        system.spawn(Recorder, name="recorder")
        system.spawn(One, name="one", node="node-1")
        yield system


def replace_x(system: ActorSystem) -> None:
    """Who lives at "x" ends; the next one there lives on another node."""
    system.tell(X, Go())
    system.run(until=lambda: "x" not in [line.split()[0] for line in system.tree().splitlines()])
    system.spawn(One, name="x", node="node-3", restart="temporary")


def test_the_next_one_is_found_where_it_lives(system: ActorSystem) -> None:
    """Whoever has sent to the first one reaches the second."""
    system.spawn(One, name="x", node="node-2", restart="temporary")
    system.ask(Ref("one"), Via())

    replace_x(system)

    assert isinstance(system.ask(Ref("one"), Via()), Answer)


def test_the_end_of_each_is_told(system: ActorSystem) -> None:
    """Whoever watched the first one and then the second is told twice."""
    system.spawn(One, name="x", node="node-2", restart="temporary")
    system.ask(Ref("one"), Look())
    system.ask(Ref("one"), Via())
    replace_x(system)
    [first] = story(system, 1)

    system.ask(Ref("one"), Look())
    system.ask(Ref("one"), Via())
    system.tell(X, Go())

    told = story(system, 2)
    assert told[0] == first != told[1]


def test_a_place_is_forgotten_with_all_below_it() -> None:
    """And nobody beside it."""
    places: Locations[int] = Locations()
    for path in ("a", "a/b", "a/b/c", "ab", "d/a"):
        places.learn(path, 1)

    places.forget_tree("a")

    assert [places.find(path) for path in ("a", "a/b", "a/b/c", "ab", "d/a")] == [None, None, None, 1, 1]
