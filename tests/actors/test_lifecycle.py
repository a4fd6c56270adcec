"""Starting, stopping and timers, under every runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actorstream.actors import (
    ActorSystem,
    Context,
    Crash,
    ExitReason,
    Normal,
    Ref,
    Shutdown,
    Supervisor,
    child,
)
from actorstream.errors import ActorTerminated
from tests.actors import doer
from tests.actors.doer import Do, fail, stop
from tests.actors.recorder import RECORDER, Happened, Recorder, record, restarts, story


class Doer(doer.Doer):
    """A doer of this module: the node where it lives has loaded the functions that it is sent."""


class Pair(Supervisor):
    children = (child("first", Doer, "first"), child("second", Doer, "second"))

    def started(self, context: Context) -> None:
        record(context, "pair started")

    def stopped(self, context: Context, reason: ExitReason) -> None:
        record(context, f"pair stopped: {type(reason).__name__}")


def stop_the_pair(_: Any, context: Context) -> None:
    context.stop(Ref("pair"))


def later(_: Any, context: Context) -> None:
    context.schedule("10ms", Happened("later"))


@pytest.fixture(autouse=True)
def recorder(system: ActorSystem) -> Ref:
    return system.spawn(Recorder, name="recorder")


def test_children_start_in_order_and_stop_in_reverse(system: ActorSystem) -> None:
    """A supervisor's children run before it does, and end before it does, the youngest first."""
    system.spawn(Pair, name="pair")
    story(system, 3)

    system.tell(system.spawn(Doer), Do(stop_the_pair))

    assert story(system, 7) == [
        "first started",
        "second started",
        "pair started",
        "doer started",
        "second stopped: Shutdown",
        "first stopped: Shutdown",
        "pair stopped: Shutdown",
    ]


def test_an_actor_that_is_done_ends_normally(system: ActorSystem) -> None:
    """A temporary actor that stops itself is gone, and its hook is told `Normal`."""
    doer = system.spawn(Doer, restart="temporary")

    system.tell(doer, Do(stop))

    assert story(system, 2) == ["doer started", "doer stopped: Normal"]
    with pytest.raises(ActorTerminated):
        system.ask(doer, Do(fail))


def stop_with_mail_waiting(_: Any, context: Context) -> None:
    context.stop()
    context.send(context.self, Happened("too late"))


@pytest.mark.one_process("dead letters are counted on the node where they are found")
def test_what_waits_when_an_actor_stops_is_dead(system: ActorSystem) -> None:
    """The mailbox of an actor that is gone for good counts as dead letters."""
    doer = system.spawn(Doer, restart="temporary")

    system.tell(doer, Do(stop_with_mail_waiting))

    assert story(system, 2) == ["doer started", "doer stopped: Normal"]
    with pytest.raises(ActorTerminated):
        system.ask(doer, Do(fail))
    assert system.dead_letters == 2  # And the question.


def schedule_two(_: Any, context: Context) -> None:
    context.schedule("40ms", Happened("later"))
    context.schedule(5_000, Happened("soon"))


def test_a_scheduled_message_comes(system: ActorSystem) -> None:
    """`schedule` sends to the actor itself, the earlier first."""
    doer = system.spawn(Doer)

    system.tell(doer, Do(schedule_two))

    assert story(system, 3)[1:] == ["soon", "later"]


def schedule_and_cancel(_: Any, context: Context) -> None:
    handle = context.schedule("1ms", Happened("never"))
    context.schedule("20ms", Happened("later"))
    handle.cancel()


def test_a_cancelled_message_does_not_come(system: ActorSystem) -> None:
    """`cancel` takes a scheduled message back."""
    doer = system.spawn(Doer)

    system.tell(doer, Do(schedule_and_cancel))

    assert story(system, 2)[1:] == ["later"]


def first(actor: Any, context: Context) -> None:
    actor.handle = context.schedule(0, Happened("never"))
    context.send(context.self, Do(second))


def second(actor: Any, context: Context) -> None:
    context.schedule("5ms", Do(third))  # By then the first message was handled, unless it is taken back.
    actor.handle.cancel()


def third(_: Any, context: Context) -> None:
    record(context, "later")


def test_a_message_can_be_taken_back_from_the_mailbox(system: ActorSystem) -> None:
    """A timer that has fired, but whose message was not handled yet, can still be cancelled."""
    doer = system.spawn(Doer)

    system.tell(doer, Do(first))

    assert story(system, 2)[-1] == "later"


def schedule_and_fail(_: Any, context: Context) -> None:
    context.schedule("2ms", Happened("never"))
    raise ValueError


def test_timers_of_an_ended_incarnation_do_not_come(system: ActorSystem) -> None:
    """What a crashed incarnation scheduled is not for the next one."""
    doer = system.spawn(Doer, backoff="1ms")

    system.tell(doer, Do(schedule_and_fail))
    assert story(system, 3)[1:] == ["doer stopped: Crash", "doer started"]
    system.tell(doer, Do(later))

    assert story(system, 4)[3:] == ["later"]


def schedule_fail_and_keep(_: Any, context: Context) -> None:
    context.schedule(0, Happened("never"))
    context.send(context.self, Do(fail))
    context.send(context.self, Happened("kept"))


def test_what_waits_for_an_ended_incarnation_alone_is_dropped(system: ActorSystem) -> None:
    """A timer's message that is in the mailbox when the actor fails is not for its next incarnation."""
    doer = system.spawn(Doer, backoff="1ms")

    system.tell(doer, Do(schedule_fail_and_keep))

    assert story(system, 4) == ["doer started", "doer stopped: Crash", "doer started", "kept"]
    system.tell(doer, Happened("last"))
    assert story(system, 5)[4:] == ["last"]
    assert restarts(system, doer) == 1


def keep_and_fail(actor: Any, context: Context) -> None:
    type(actor).kept = context
    raise ValueError


def use_what_was_kept(actor: Any, context: Context) -> None:
    with pytest.raises(RuntimeError, match="it is ending"):
        type(actor).kept.schedule(0, Happened("never"))
    record(context, "refused")


def test_a_context_is_for_one_incarnation(system: ActorSystem) -> None:
    """A context that was kept over a restart is refused."""
    doer = system.spawn(Doer, backoff="1ms")

    system.tell(doer, Do(keep_and_fail))
    system.tell(doer, Do(use_what_was_kept))

    assert story(system, 4)[3:] == ["refused"]


def tell_pinned(_: Any, context: Context) -> None:
    record(context, context.pinned)


def test_a_pinned_ref_ends_with_its_incarnation(system: ActorSystem) -> None:
    """Between two incarnations, what is sent to the first reaches nobody, and whoever asks is told at once."""
    doer = system.spawn(Doer, backoff="20ms")
    system.tell(doer, Do(tell_pinned))
    system.tell(doer, Do(fail))
    pinned = story(system, 3)[1]

    with pytest.raises(ActorTerminated):
        system.ask(pinned, Do(fail))

    assert story(system, 4) == ["doer started", pinned, "doer stopped: Crash", "doer started"]
    assert restarts(system, doer) == 1


class Late(Doer):
    def stopped(self, context: Context, reason: ExitReason) -> None:
        for begin in (
            lambda: context.schedule("1s", Happened("never")),
            lambda: context.spawn(Doer),
            lambda: context.background(lambda: 1, Happened),
            lambda: context.watch(RECORDER),
        ):
            with pytest.raises(RuntimeError, match="it is ending"):
                begin()
        record(context, "refused")


def test_an_actor_that_ends_cannot_begin_anything(system: ActorSystem) -> None:
    """The `stopped` hook may send, but not schedule, spawn, or start work."""
    late = system.spawn(Late, restart="temporary")
    system.tell(late, Do(stop))

    assert story(system, 2)[1:] == ["refused"]


class Clumsy(Doer):
    def stopped(self, context: Context, reason: ExitReason) -> None:
        record(context, "stopping")
        raise OSError("no luck")


def test_a_failing_hook_ends_the_incarnation(system: ActorSystem) -> None:
    """A `stopped` that raises does not keep the actor from ending."""
    clumsy = system.spawn(Clumsy, restart="temporary")
    system.tell(clumsy, Do(stop))
    story(system, 2)

    with pytest.raises(ActorTerminated):
        system.ask(clumsy, Do(fail))


@pytest.mark.one_process("a failure is remembered on the node where it happened")
def test_a_failing_hook_is_remembered(system: ActorSystem) -> None:
    """What `stopped` raised is a failure like any other."""
    system.tell(system.spawn(Clumsy, restart="temporary"), Do(stop))
    story(system, 2)
    system.stop()

    assert [type(failure.error) for failure in system.failures] == [OSError]


class Noting(Doer):
    """Writes its end into a file, which outlives the system."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name)
        self.path = path

    def stopped(self, context: Context, reason: ExitReason) -> None:
        with open(self.path, "a") as file:
            file.write(f"{self.name}: {reason}\n")


@pytest.mark.own_system("it stops the system")
def test_stopping_the_system_stops_everybody_in_reverse(system: ActorSystem, tmp_path: Path) -> None:
    """Leaving the system ends all actors, the youngest first, each with its hook."""
    for name in ("one", "two", "three"):
        system.spawn(Noting, name, str(tmp_path / "ended"))
    story(system, 3)
    system.stop()

    assert (tmp_path / "ended").read_text().splitlines() == [
        f"{name}: {Shutdown()}" for name in ("three", "two", "one")
    ]
    assert system.actors() == []


def test_exit_reasons_are_values() -> None:
    """Reasons compare by what they say."""
    error = ValueError()

    assert Normal() == Normal()
    assert Crash(error) == Crash(error)
    assert Crash(error) != Crash(ValueError())
