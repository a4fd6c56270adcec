"""Starting, stopping, timers and background work, under every runtime."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from actorstream.actors import (
    Actor,
    ActorSystem,
    Context,
    Crash,
    ExitReason,
    Killed,
    Message,
    Normal,
    Ref,
    Shutdown,
    Supervisor,
    Terminated,
    child,
    receives,
)
from actorstream.actors.limits import BACKGROUND_MAX
from actorstream.errors import ActorTerminated, MailboxFull
from tests.actors.recorder import RECORDER, Happened, Recorder, record, story


class Do(Message):
    """Call `act` with the actor and its context."""

    act: Callable[[Any, Context], object]


class Doer(Actor, accepts=Do):
    """Does what it is told, and tells the recorder when it starts and stops."""

    def __init__(self, name: str = "doer") -> None:
        self.name = name

    def started(self, context: Context) -> None:
        record(context, f"{self.name} started")

    def stopped(self, context: Context, reason: ExitReason) -> None:
        record(context, f"{self.name} stopped: {type(reason).__name__}")

    @receives(Do)
    def on_do(self, do: Do, context: Context) -> None:
        do.act(self, context)

    @receives(Happened)
    def on_happened(self, happened: Happened, context: Context) -> None:
        context.send(RECORDER, happened)


class Pair(Supervisor):
    children = (child("first", Doer, "first"), child("second", Doer, "second"))

    def started(self, context: Context) -> None:
        record(context, "pair started")

    def stopped(self, context: Context, reason: ExitReason) -> None:
        record(context, f"pair stopped: {type(reason).__name__}")


def fail(_: Any, __: Context) -> None:
    """Raise, as a handler might."""
    raise ValueError("as it was told")


@pytest.fixture(autouse=True)
def recorder(system: ActorSystem) -> Ref:
    return system.spawn(Recorder, name="recorder")


def test_children_start_in_order_and_stop_in_reverse(system: ActorSystem) -> None:
    """A supervisor's children run before it does, and end before it does, the youngest first."""
    pair = system.spawn(Pair, name="pair")

    system.tell(system.spawn(Doer), Do(lambda _, context: context.stop(pair)))

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

    system.tell(doer, Do(lambda _, context: context.stop()))

    assert story(system, 2) == ["doer started", "doer stopped: Normal"]
    with pytest.raises(ActorTerminated):
        system.ask(doer, Do(fail))


def test_what_waits_when_an_actor_stops_is_dead(system: ActorSystem) -> None:
    """The mailbox of an actor that is gone for good counts as dead letters."""
    doer = system.spawn(Doer, restart="temporary")

    def stop_with_mail_waiting(_: Any, context: Context) -> None:
        context.stop()
        context.send(context.self, Happened("too late"))

    system.tell(doer, Do(stop_with_mail_waiting))

    assert story(system, 2) == ["doer started", "doer stopped: Normal"]
    with pytest.raises(ActorTerminated):
        system.ask(doer, Do(fail))
    assert system.dead_letters == 2  # And the question.


def test_a_scheduled_message_comes(system: ActorSystem) -> None:
    """`schedule` sends to the actor itself, the earlier first."""
    doer = system.spawn(Doer)

    def schedule(_: Any, context: Context) -> None:
        context.schedule("40ms", Happened("later"))
        context.schedule(5_000, Happened("soon"))

    system.tell(doer, Do(schedule))

    assert story(system, 3)[1:] == ["soon", "later"]


def test_a_cancelled_message_does_not_come(system: ActorSystem) -> None:
    """`cancel` takes a scheduled message back."""
    doer = system.spawn(Doer)

    def schedule(_: Any, context: Context) -> None:
        handle = context.schedule("1ms", Happened("never"))
        context.schedule("20ms", Happened("later"))
        handle.cancel()

    system.tell(doer, Do(schedule))

    assert story(system, 2)[1:] == ["later"]


def test_a_message_can_be_taken_back_from_the_mailbox(system: ActorSystem) -> None:
    """A timer that has fired, but whose message was not handled yet, can still be cancelled."""
    doer = system.spawn(Doer)

    def first(actor: Any, context: Context) -> None:
        actor.handle = context.schedule(0, Happened("never"))
        context.send(context.self, Do(second))

    def second(actor: Any, context: Context) -> None:
        context.schedule("5ms", Do(third))  # By then the first message was handled, unless it is taken back.
        actor.handle.cancel()

    def third(_: Any, context: Context) -> None:
        record(context, "later")

    system.tell(doer, Do(first))

    assert story(system, 2)[-1] == "later"


def test_timers_of_an_ended_incarnation_do_not_come(system: ActorSystem) -> None:
    """What a crashed incarnation scheduled is not for the next one."""
    doer = system.spawn(Doer, backoff="1ms")

    def schedule_and_fail(_: Any, context: Context) -> None:
        context.schedule("2ms", Happened("never"))
        raise ValueError

    system.tell(doer, Do(schedule_and_fail))
    assert story(system, 3)[1:] == ["doer stopped: Crash", "doer started"]
    system.tell(doer, Do(lambda _, context: context.schedule("10ms", Happened("later"))))

    assert story(system, 4)[3:] == ["later"]


def test_what_waits_for_an_ended_incarnation_alone_is_dropped(system: ActorSystem) -> None:
    """A timer's message that is in the mailbox when the actor fails is not for its next incarnation."""
    doer = system.spawn(Doer, backoff="1ms")

    def schedule(_: Any, context: Context) -> None:
        context.schedule(0, Happened("never"))
        context.send(context.self, Do(fail))
        context.send(context.self, Happened("kept"))

    system.tell(doer, Do(schedule))

    assert story(system, 4) == ["doer started", "doer stopped: Crash", "doer started", "kept"]
    system.tell(doer, Happened("last"))
    assert story(system, 5)[4:] == ["last"]
    assert len(system.failures) == 1


def test_a_context_is_for_one_incarnation(system: ActorSystem) -> None:
    """A context that was kept over a restart is refused."""
    kept: list[Context] = []
    doer = system.spawn(Doer, backoff="1ms")

    def keep_and_fail(_: Any, context: Context) -> None:
        kept.append(context)
        raise ValueError

    def use(_: Any, context: Context) -> None:
        with pytest.raises(RuntimeError, match="it is ending"):
            kept[0].schedule(0, Happened("never"))
        record(context, "refused")

    system.tell(doer, Do(keep_and_fail))
    system.tell(doer, Do(use))

    assert story(system, 4)[3:] == ["refused"]


def test_a_pinned_ref_ends_with_its_incarnation(system: ActorSystem) -> None:
    """Between two incarnations, what is sent to the first reaches nobody, and whoever asks is told at once."""
    pinned: list[Ref] = []
    doer = system.spawn(Doer, backoff="20ms")
    system.tell(doer, Do(lambda _, context: pinned.append(context.pinned)))
    system.tell(doer, Do(fail))
    story(system, 2)

    with pytest.raises(ActorTerminated):
        system.ask(pinned[0], Do(fail))

    assert story(system, 3) == ["doer started", "doer stopped: Crash", "doer started"]
    assert len(system.failures) == 1


def test_background_work_is_bounded(system: ActorSystem) -> None:
    """One actor cannot have more than so many pieces of work under way."""
    doer = system.spawn(Doer, restart="temporary")

    def begin_too_much(_: Any, context: Context) -> None:
        for _ in range(BACKGROUND_MAX + 1):
            context.background(lambda: 1, Happened)

    with pytest.raises(ActorTerminated):
        system.ask(doer, Do(begin_too_much))
    assert [type(failure.error) for failure in system.failures] == [MailboxFull]


def test_background_work_comes_back_as_a_message(system: ActorSystem) -> None:
    """`background` runs the work beside the actor, and its result becomes a message to it."""
    doer = system.spawn(Doer)

    system.tell(doer, Do(lambda _, context: context.background(lambda: 6 * 7, Happened)))

    assert story(system, 2)[1:] == [42]


def test_failing_background_work_is_a_failure_of_the_actor(system: ActorSystem) -> None:
    """What the work raises restarts the actor."""
    doer = system.spawn(Doer, backoff="1ms")

    system.tell(doer, Do(lambda _, context: context.background(lambda: 1 // 0, Happened)))

    assert story(system, 3) == ["doer started", "doer stopped: Crash", "doer started"]
    assert [type(failure.error) for failure in system.failures] == [ZeroDivisionError]


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


def test_an_actor_whose_work_does_not_end_is_killed(system: ActorSystem) -> None:
    """After the `shutdown` time an actor ends without its hook, and its watchers are told so."""
    may_end = threading.Event()

    class Watching(Actor):
        def started(self, context: Context) -> None:
            self.doer = context.spawn(Doer, restart="temporary", shutdown="0ms")
            context.watch(self.doer)
            context.send(self.doer, Do(work_and_stop))

        @receives(Terminated)
        def on_terminated(self, terminated: Terminated, context: Context) -> None:
            record(context, terminated.reason)

    def work_and_stop(_: Any, context: Context) -> None:
        context.background(lambda: may_end.wait(10) if system.runtime == "local" else None, Happened)
        context.stop()

    system.spawn(Watching)
    seen = story(system, 2)
    may_end.set()

    assert seen == ["doer started", Killed()]


def test_an_actor_that_ends_cannot_begin_anything(system: ActorSystem) -> None:
    """The `stopped` hook may send, but not schedule, spawn, or start work."""

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

    late = system.spawn(Late, restart="temporary")
    system.tell(late, Do(lambda _, context: context.stop()))

    assert story(system, 2)[1:] == ["refused"]


def test_a_failing_hook_is_reported_and_ends_the_incarnation(system: ActorSystem) -> None:
    """A `stopped` that raises does not keep the actor from ending."""

    class Clumsy(Doer):
        def stopped(self, context: Context, reason: ExitReason) -> None:
            record(context, "stopping")
            raise OSError("no luck")

    clumsy = system.spawn(Clumsy, restart="temporary")
    system.tell(clumsy, Do(lambda _, context: context.stop()))
    story(system, 2)

    with pytest.raises(ActorTerminated):
        system.ask(clumsy, Do(fail))
    assert [type(failure.error) for failure in system.failures] == [OSError]


def test_stopping_the_system_stops_everybody_in_reverse(system: ActorSystem) -> None:
    """Leaving the system ends all actors, the youngest first, each with its hook."""
    ended: list[str] = []

    class Noting(Doer):
        def stopped(self, context: Context, reason: ExitReason) -> None:
            assert reason == Shutdown()
            ended.append(self.name)

    for name in ("one", "two", "three"):
        system.spawn(Noting, name)
    system.stop()

    assert ended == ["three", "two", "one"]
    assert system.actors() == []


def test_exit_reasons_are_values() -> None:
    """Reasons compare by what they say."""
    error = ValueError()

    assert Normal() == Normal()
    assert Crash(error) == Crash(error)
    assert Crash(error) != Crash(ValueError())
