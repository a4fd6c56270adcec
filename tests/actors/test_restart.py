"""What comes back after a failure, and what does not, under every runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actorstream.actors import (
    Actor,
    ActorSystem,
    ChildSpec,
    Context,
    Crash,
    Message,
    Poison,
    Ref,
    Supervisor,
    child,
    one_for_all,
    one_for_one,
    receives,
    region,
    rest_for_one,
)
from actorstream.errors import ActorTerminated
from tests.actors.recorder import restarts


class Count(Message):
    pass


class Counted(Message):
    count: int


class Fail(Message):
    pass


class Finish(Message):
    pass


class Counter(Actor, accepts=Count | Fail | Finish):
    """Counts; its state is gone when it fails."""

    def __init__(self) -> None:
        self.count = 0

    @receives(Count)
    def on_count(self, _: Count, context: Context) -> None:
        self.count += 1
        context.reply(Counted(self.count))

    @receives(Fail)
    def on_fail(self, _: Fail, context: Context) -> None:
        raise ValueError("as it was told")

    @receives(Finish)
    def on_finish(self, _: Finish, context: Context) -> None:
        context.stop()


def test_a_restart_begins_with_a_new_instance(system: ActorSystem) -> None:
    """Nothing half-changed lives on."""
    counter = system.spawn(Counter, backoff="1ms")
    system.ask(counter, Count())
    system.tell(counter, Fail())

    assert system.ask(counter, Count()) == Counted(1)
    assert restarts(system, counter) == 1


def test_the_mailbox_survives_a_restart(system: ActorSystem) -> None:
    """What waited behind the message that crashed the actor is handled by its next incarnation."""
    counter = system.spawn(Counter, backoff="1ms")
    system.tell(counter, Fail())
    for _ in range(3):
        system.tell(counter, Count())

    assert system.ask(counter, Count()) == Counted(4)


def test_a_question_that_crashes_the_actor_is_answered_by_its_end(system: ActorSystem) -> None:
    """Whoever asked what made the actor fail learns it at once, not after the timeout."""
    counter = system.spawn(Counter, backoff="1ms")

    with pytest.raises(ActorTerminated, match="ended before it answered"):
        system.ask(counter, Fail(), timeout="60s")


@pytest.mark.one_process("a failure is logged by the node where it happened")
def test_a_failure_is_reported_once(system: ActorSystem, logged: list[Any]) -> None:
    """The log names actor, message, incarnation, and holds the error."""
    counter = system.spawn(Counter, name="counter", backoff="1ms")
    system.tell(counter, Fail())
    system.ask(counter, Count())

    [entry] = logged
    assert (entry["event"], entry["actor"], entry["message"]) == ("actor failed", "counter", "Fail")
    assert entry["incarnation"] == system.failures[0].incarnation
    assert isinstance(entry["exc_info"], ValueError)


@pytest.mark.parametrize(
    ("restart", "after_failure", "after_finish"),
    [("permanent", True, True), ("transient", True, False), ("temporary", False, False)],
)
def test_the_rule_decides_who_comes_back(
    system: ActorSystem, restart: Any, after_failure: bool, after_finish: bool
) -> None:
    """Permanent: always; transient: only after a failure; temporary: never."""
    for message, expected in ((Fail(), after_failure), (Finish(), after_finish)):
        counter = system.spawn(Counter, restart=restart, backoff="1ms")
        system.tell(counter, message)
        try:
            back = restarts(system, counter) == 1
        except ActorTerminated:
            back = False
        assert back is expected


class Desk(Supervisor):
    strategy = one_for_one(restarts=2, within="60s")
    children = (child("counter", Counter, backoff="1ms"),)


def fail_too_often(system: ActorSystem) -> Ref:
    """A desk whose counter restarted more often than it may."""
    desk = system.spawn(Desk, name="desk", backoff="1ms")
    for _ in range(3):
        with pytest.raises(ActorTerminated):
            system.ask(Ref("desk/counter"), Fail())
    return desk


def test_too_many_restarts_fail_the_parent(system: ActorSystem) -> None:
    """One restart more than allowed, and the supervisor itself fails, and is restarted with new children."""
    desk = fail_too_often(system)

    assert restarts(system, desk) == 1
    assert restarts(system, system.find("desk/counter")) == 0


@pytest.mark.one_process("a failure is remembered on the node where it happened")
def test_a_parent_that_gives_up_says_why(system: ActorSystem) -> None:
    """It names the child, and its last error."""
    restarts(system, fail_too_often(system))

    assert str(system.failures[-1].error) == "desk gives up: counter ended more often than it may restart"
    assert isinstance(system.failures[-1].error.__cause__, ValueError)


@pytest.mark.own_system("it fails the system")
def test_a_failure_that_nobody_handles_ends_the_system(system: ActorSystem) -> None:
    """When the root gives up, `failed` says why, and whoever asks is told."""
    counter = system.spawn(Counter, restarts=0)

    for message in (Fail(), Count()):
        with pytest.raises(ActorTerminated):
            system.ask(counter, message)
    with pytest.raises(ActorTerminated, match="the system failed: the system gives up: counter-1"):
        system.spawn(Counter)

    assert isinstance(system.failed, Crash)


class Shy(Counter):
    """Starts the third time; counts in a file, which outlives it."""

    def __init__(self, tries: str) -> None:
        super().__init__()
        self.tries = tries

    def started(self, context: Context) -> None:
        with open(self.tries, "a") as file:
            file.write("x")
        if Path(self.tries).stat().st_size < 3:
            raise OSError("not yet")


def test_an_actor_that_cannot_start_has_failed(system: ActorSystem, tmp_path: Path) -> None:
    """An error in `__init__` or `started` is a failure like any other: tried again, then escalated."""
    shy = system.spawn(Shy, str(tmp_path / "tries"), backoff="1ms")

    assert system.ask(shy, Count()) == Counted(1)
    assert (tmp_path / "tries").read_text() == "xxx"


class Leaving(Counter):
    def on_fail(self, _: Fail, context: Context) -> None:
        raise SystemExit(3)


def test_an_exit_is_a_failure_of_the_actor(system: ActorSystem) -> None:
    """`sys.exit` in a handler ends that actor's incarnation, not the system."""
    leaving = system.spawn(Leaving, backoff="1ms")
    system.tell(leaving, Fail())

    assert system.ask(leaving, Count()) == Counted(1)


class Three(Supervisor):
    children: tuple[ChildSpec, ...] = tuple(child(name, Counter, backoff="1ms") for name in ("a", "b", "c"))

    def __init__(self, scope: Any) -> None:
        self.strategy = scope()


@pytest.mark.parametrize(
    ("scope", "expected"), [(one_for_one, [2, 1, 2]), (one_for_all, [1, 1, 1]), (rest_for_one, [2, 1, 1])]
)
def test_the_strategy_ties_children(system: ActorSystem, scope: Any, expected: list[int]) -> None:
    """A failing child restarts alone, with all, or with those started after it."""
    system.spawn(Three, scope, name="three")
    refs = [system.find(f"three/{name}") for name in ("a", "b", "c")]
    for ref in refs:
        system.ask(ref, Count())

    with pytest.raises(ActorTerminated):
        system.ask(refs[1], Fail())
    failed_again = _count(system, refs[1])  # Once it is back, all that restart with it are back or were stopped.

    assert [_count(system, refs[0]), failed_again, _count(system, refs[2])] == expected


def _count(system: ActorSystem, ref: Ref) -> int:
    answer = system.ask(ref, Count())
    assert isinstance(answer, Counted)
    return answer.count


def test_a_region_restarts_together() -> None:
    """Children of one label restart with each other, in order; those of another go on."""

    class Pipes(Supervisor):
        strategy = region()
        children = tuple(
            child(name, Counter, region=label, backoff="1ms")
            for name, label in zip("abcd", ["x", "y", "x", ""], strict=True)
        )

    with ActorSystem(runtime="simulation", seed=1) as system:
        system.spawn(Pipes, name="pipes")
        before = {ref.name: system._kernel.cells[ref.path].incarnation for ref in system.actors()}
        system.crash(Ref("pipes/c"))
        system.run()
        after = {ref.name: system._kernel.cells[ref.path].incarnation for ref in system.actors()}

    changed = [name for name in before if before[name] != after[name]]
    assert changed == ["a", "c"]
    assert after["a"] < after["c"]


def test_poison_on_another_node_stops_for_good_too() -> None:
    """What its node tells of it crosses as text, and means the same."""
    with ActorSystem(nodes=1, runtime="simulation", seed=7) as system:
        glutton = system.spawn(Glutton, name="glutton", node="any", poison=Poison(times=2, then="stop"), backoff="1ms")
        system.tell(glutton, Eat())
        system.run_for("1s")

        assert system.failed is not None
        assert "glutton" in str(system.failed.error)


class Eat(Message):
    pass


class Glutton(Actor, accepts=Eat):
    @receives(Eat)
    def on_eat(self, eat: Eat, context: Context) -> None:
        raise ValueError("too much")
