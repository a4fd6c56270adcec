"""The decisions of a supervisor: exact effects, and properties over any sequence of events."""

from __future__ import annotations

import dataclasses
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actorstream.actors import Actor, Crash, ExitReason, Fenced, Hung, Killed, Lost, Normal, Shutdown
from actorstream.actors.specification import (
    Backoff,
    ChildSpec,
    Intensity,
    Scope,
    Strategy,
    one_for_all,
    one_for_one,
    rest_for_one,
)
from actorstream.actors.supervision import Effect, Escalate, Forget, Pause, Start, Stop, Supervision
from actorstream.host import Entropy

CRASH = Crash(ValueError())
PAUSE_US = 100


def spec(name: str, restart: Any = "permanent", intensity: Intensity | None = None) -> ChildSpec:
    return ChildSpec(name, Actor, restart=restart, backoff=Backoff(PAUSE_US, 2 * PAUSE_US, 0.0), intensity=intensity)


def supervision(strategy: Strategy, *children: ChildSpec) -> Supervision:
    made = Supervision(strategy, Entropy(1))
    for each in children:
        assert made.add(each) == [Start(each.name)]
    return made


def three(strategy: Strategy) -> Supervision:
    return supervision(strategy, spec("a"), spec("b"), spec("c"))


def test_one_for_one_restarts_the_failed_one_after_a_pause() -> None:
    """The others are left alone."""
    core = three(one_for_one())

    assert core.on_ended("b", CRASH, 0) == [Pause("b", 1, PAUSE_US)]
    assert core.on_pause_over("b", 1) == [Start("b")]


def test_one_for_all_stops_the_youngest_first_and_starts_the_oldest_first() -> None:
    """One at a time, then a pause, then all."""
    core = three(one_for_all())

    assert core.on_ended("b", CRASH, 0) == [Stop("c")]
    assert core.on_ended("c", Shutdown(), 0) == [Stop("a")]
    assert core.on_ended("a", Shutdown(), 0) == [Pause("b", 1, PAUSE_US)]
    assert core.on_pause_over("b", 1) == [Start("a"), Start("b"), Start("c")]


def test_rest_for_one_leaves_the_older_ones_alone() -> None:
    """The failed child and those started after it restart."""
    core = three(rest_for_one())

    assert core.on_ended("b", CRASH, 0) == [Stop("c")]
    assert core.on_ended("c", Shutdown(), 0) == [Pause("b", 1, PAUSE_US)]
    assert core.on_pause_over("b", 1) == [Start("b"), Start("c")]


def test_a_failure_during_a_round_belongs_to_it() -> None:
    """A child that fails while others are stopped for a restart is not counted twice."""
    core = three(one_for_all(restarts=1))

    assert core.on_ended("a", CRASH, 0) == [Stop("c")]
    assert core.on_ended("b", CRASH, 0) == []
    assert core.on_ended("c", CRASH, 0) == [Pause("a", 1, PAUSE_US)]


def test_a_failure_that_ties_more_takes_the_place_of_a_round() -> None:
    """The earlier pause counts for nothing, and all start in order after the later one."""
    core = three(rest_for_one())
    assert core.on_ended("c", CRASH, 0) == [Pause("c", 1, PAUSE_US)]

    assert core.on_ended("a", CRASH, 0) == [Stop("b")]
    assert core.on_pause_over("c", 1) == []
    assert core.on_ended("b", Shutdown(), 0) == [Pause("a", 2, PAUSE_US)]
    assert core.on_pause_over("a", 2) == [Start("a"), Start("b"), Start("c")]


def test_a_pause_of_an_earlier_round_does_not_end_a_later_one() -> None:
    """Rounds of the same child are told apart by their number."""
    core = three(rest_for_one())
    core.on_ended("c", CRASH, 0)
    core.on_ended("a", CRASH, 0)
    core.on_ended("b", Shutdown(), 0)
    core.on_pause_over("a", 2)
    assert core.on_ended("c", CRASH, 0) == [Pause("c", 3, 2 * PAUSE_US)]

    assert core.on_pause_over("c", 1) == []
    assert core.on_pause_over("c", 3) == [Start("c")]


def test_a_temporary_sibling_does_not_come_back() -> None:
    """It is stopped with the others, and forgotten."""
    core = supervision(one_for_all(), spec("a"), spec("b", "temporary"))

    assert core.on_ended("a", CRASH, 0) == [Stop("b")]
    assert core.on_ended("b", Shutdown(), 0) == [Forget("b"), Pause("a", 1, PAUSE_US)]


def test_whoever_is_stopped_on_request_does_not_come_back() -> None:
    """Whatever its rule says."""
    core = three(one_for_one())

    assert core.stop_child("b") == [Stop("b")]
    assert core.stop_child("b") == []
    assert core.on_ended("b", Shutdown(), 0) == [Forget("b")]
    assert core.stop_child("b") == []


def test_stopping_a_child_during_its_pause_forgets_it() -> None:
    """Its pause counts for nothing."""
    core = three(one_for_one())
    core.on_ended("b", CRASH, 0)

    assert core.stop_child("b") == [Forget("b")]
    assert core.on_pause_over("b", 1) == []


def test_one_restart_too_many_escalates() -> None:
    """The children share the supervisor's intensity."""
    core = three(one_for_one(restarts=1))
    core.on_ended("a", CRASH, 0)

    assert core.on_ended("b", CRASH, 0) == [Escalate("b", CRASH)]
    assert core.stop_all() == [Forget("b"), Forget("a"), Stop("c")]


def test_a_child_may_have_an_intensity_of_its_own() -> None:
    """Then it does not count towards the supervisor's."""
    core = supervision(one_for_one(restarts=0), spec("a", intensity=Intensity(1)))

    assert core.on_ended("a", CRASH, 0) == [Pause("a", 1, PAUSE_US)]


@pytest.mark.parametrize("reason", [CRASH, Killed(), Hung("Sum", 30.0), Lost("node-2")])
@pytest.mark.parametrize("restart", ["permanent", "transient"])
def test_whatever_is_not_its_own_wish_restarts_a_child(reason: ExitReason, restart: str) -> None:
    """A transient child comes back after every abnormal end, as a permanent one does."""
    core = supervision(one_for_one(), spec("a", restart))

    assert core.on_ended("a", reason, 0) == [Pause("a", 1, PAUSE_US)]


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
def test_whoever_is_fenced_never_comes_back(restart: str) -> None:
    """Somebody else does its work; to start again would take it from them."""
    core = supervision(one_for_one(), spec("a", restart))

    assert core.on_ended("a", Fenced(3), 0) == [Forget("a")]


def test_whoever_is_fenced_does_not_come_back_with_its_siblings() -> None:
    """Not even if it ends while they restart together."""
    core = supervision(one_for_all(), spec("a"), spec("b"))
    assert core.on_ended("a", CRASH, 0) == [Stop("b")]

    effects = core.on_ended("b", Fenced(3), 0)

    assert effects[0] == Forget("b")
    assert [type(effect) for effect in effects[1:]] == [Pause]


class AnyEvents(RuleBasedStateMachine):
    """Any strategy, any children, any events: what must hold whatever happens."""

    @initialize(scope=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one", "region"]))
    def begin(self, scope: Scope) -> None:
        self.core = Supervision(Strategy(scope, Intensity(1_000)), Entropy(1))
        self.running: dict[str, bool] = {}  # In start order; True: told to stop.
        self.known: dict[str, str] = {}  # Its rule, in the order of birth.
        self.unwanted: list[str] = []
        self.pauses: list[tuple[str, int]] = []
        self.number = 0
        self.closing = False

    @precondition(lambda self: not self.closing and len(self.known) < 6)
    @rule(restart=st.sampled_from(["permanent", "transient", "temporary"]), label=st.sampled_from(["", "x", "y"]))
    def add(self, restart: str, label: str) -> None:
        self.number += 1
        name = f"c{self.number}"
        self.known[name] = restart
        self.apply(self.core.add(dataclasses.replace(spec(name, restart), region=label)))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), reason=st.sampled_from([CRASH, Normal(), Killed(), Hung("Sum", 1.0), Lost("b"), Fenced(1)]))
    def end(self, data: st.DataObject, reason: ExitReason) -> None:
        name = data.draw(st.sampled_from(list(self.running)))
        told = self.running.pop(name)
        self.apply(self.core.on_ended(name, Shutdown() if told else reason, 0))

    @precondition(lambda self: self.pauses)
    @rule(data=st.data())
    def pause_over(self, data: st.DataObject) -> None:
        pause = data.draw(st.sampled_from(self.pauses))
        self.pauses.remove(pause)
        self.apply(self.core.on_pause_over(*pause))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def stop_child(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(list(self.known)))
        self.unwanted.append(name)
        self.apply(self.core.stop_child(name))

    @rule()
    def stop_all(self) -> None:
        self.closing = True
        self.apply(self.core.stop_all())

    def apply(self, effects: list[Effect]) -> None:
        starts = [effect.name for effect in effects if isinstance(effect, Start)]
        assert starts == [name for name in self.known if name in starts]  # In the order of birth.
        for effect in effects:
            match effect:
                case Start(name):
                    assert name not in self.running  # Never two incarnations at once.
                    assert name not in self.unwanted
                    assert not self.closing
                    self.running[name] = False
                case Stop(name):
                    assert self.running[name] is False  # Only who runs, and once.
                    self.running[name] = True
                case Pause(name, number, _):
                    self.pauses.append((name, number))
                case Forget(name):
                    assert name not in self.running
                    del self.known[name]
                case Escalate():
                    raise AssertionError("the intensity allows more")

    @invariant()
    def nobody_is_lost(self) -> None:
        """Who is known and does not run will be started by a pause that is under way, or waits for others to end."""
        if not hasattr(self, "core"):
            return
        self.core.check()
        assert self.core.is_empty == (not self.known)
        waiting = [name for name in self.known if name not in self.running]
        assert not waiting or self.pauses or any(self.running.values())

    def teardown(self) -> None:
        """After `stop_all` everybody ends, the youngest of those that ran first."""
        if not hasattr(self, "core"):
            return
        self.stop_all()
        while self.running:
            [name] = [name for name, told in self.running.items() if told][:1]
            self.running.pop(name)
            self.apply(self.core.on_ended(name, Shutdown(), 0))
        assert self.core.is_empty
        assert not self.known


AnyEvents.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestAnyEvents = AnyEvents.TestCase
