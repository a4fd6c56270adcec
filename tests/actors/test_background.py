"""Background work of actors, under every runtime."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from actorstream.actors import Actor, ActorSystem, Context, ExitReason, Killed, Ref, Terminated, receives
from actorstream.actors.limits import BACKGROUND_MAX
from actorstream.errors import MailboxFull
from tests.actors import doer
from tests.actors.doer import Do
from tests.actors.recorder import Happened, Recorder, record, story


class Doer(doer.Doer):
    """A doer of this module: the node where it lives has loaded the functions that it is sent."""


@pytest.fixture(autouse=True)
def recorder(system: ActorSystem) -> Ref:
    return system.spawn(Recorder, name="recorder")


def begin_too_much(_: Any, context: Context) -> None:
    for _ in range(BACKGROUND_MAX):
        context.background(nothing, Happened)
    with pytest.raises(MailboxFull):
        context.background(nothing, Happened)
    record(context, "refused")


def nothing() -> None:
    """Work that is nothing."""


def test_background_work_is_bounded(system: ActorSystem) -> None:
    """One actor cannot have more than so many pieces of work under way."""
    doer = system.spawn(Doer, restart="temporary")

    system.tell(doer, Do(begin_too_much))

    assert story(system, 2)[1] == "refused"


def multiply(_: Any, context: Context) -> None:
    context.background(lambda: 6 * 7, Happened)


def divide(_: Any, context: Context) -> None:
    context.background(lambda: 1 // 0, Happened)


def test_background_work_comes_back_as_a_message(system: ActorSystem) -> None:
    """`background` runs the work beside the actor, and its result becomes a message to it."""
    doer = system.spawn(Doer)

    system.tell(doer, Do(multiply))

    assert story(system, 2)[1:] == [42]


def test_failing_background_work_is_a_failure_of_the_actor(system: ActorSystem) -> None:
    """What the work raises restarts the actor."""
    doer = system.spawn(Doer, backoff="1ms")

    system.tell(doer, Do(divide))

    assert story(system, 3) == ["doer started", "doer stopped: Crash", "doer started"]


@pytest.mark.one_process("a failure is remembered on the node where it happened")
def test_the_error_of_background_work_is_remembered(system: ActorSystem) -> None:
    """As one of a handler."""
    system.tell(system.spawn(Doer, backoff="1ms"), Do(divide))
    story(system, 3)

    assert [type(failure.error) for failure in system.failures] == [ZeroDivisionError]


@pytest.mark.one_process("the test holds the thread that does the work")
def test_an_incarnation_ends_after_its_background_work(system: ActorSystem) -> None:
    """The `stopped` hook waits for work under way, so that it can close what the work uses."""
    done: list[str] = []
    may_end = threading.Event()
    if system.runtime == "simulation":
        may_end.set()  # There, work is one step.

    def work() -> str:
        may_end.wait(10)
        done.append("work")
        return "never told"

    class Closing(Doer):
        def stopped(self, context: Context, reason: ExitReason) -> None:
            record(context, [*done, type(reason).__name__])

    def start_and_stop(_: Any, context: Context) -> None:
        context.background(work, Happened)
        context.stop()

    closing = system.spawn(Closing, restart="temporary")
    system.tell(closing, Do(start_and_stop))
    may_end.set()

    assert story(system, 2)[1:] == [["work", "Normal"]]


MAY_END = threading.Event()  # In each process its own.


class Watching(Actor):
    """Spawns a doer whose work takes too long; writes down how it ended, and then lets the work go on."""

    def __init__(self, waits: bool) -> None:
        self.waits = waits

    def started(self, context: Context) -> None:
        MAY_END.clear()
        doer = context.spawn(Doer, restart="temporary", shutdown="0ms")
        context.watch(doer)
        context.send(doer, Do(wait_and_stop if self.waits else work_and_stop))

    @receives(Terminated)
    def on_terminated(self, terminated: Terminated, context: Context) -> None:
        record(context, terminated.reason)
        MAY_END.set()


def wait_and_stop(_: Any, context: Context) -> None:
    context.background(lambda: MAY_END.wait(10), Happened)
    context.stop()


def work_and_stop(_: Any, context: Context) -> None:
    context.background(nothing, Happened)
    context.stop()


def test_an_actor_whose_work_does_not_end_is_killed(system: ActorSystem) -> None:
    """After the `shutdown` time an actor ends without its hook, and its watchers are told so."""
    system.spawn(Watching, system.runtime == "local")  # In a simulation, work is one step.

    assert story(system, 2) == ["doer started", Killed()]
