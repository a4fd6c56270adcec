"""Random trees under random crashes: what supervision promises, whatever happens.

Each actor writes into one chronicle when an incarnation begins and ends, and when it is told of another's end; the
properties are read off the chronicle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream.actors import (
    Actor,
    ActorSystem,
    ChildSpec,
    Context,
    ExitReason,
    Message,
    Observe,
    Observed,
    Ref,
    Supervisor,
    Terminated,
    child,
    one_for_all,
    one_for_one,
    receives,
    region,
    rest_for_one,
)
from actorstream.host import Entropy


@dataclass
class Chronicle:
    """All that happened, in order: ("up", path, incarnation), ("down", ...), ("told", ...)."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    up: dict[str, int] = field(default_factory=dict)  # In the order of their starts.
    wrong: list[str] = field(default_factory=list)  # What a handler sees must not only fail its actor.

    def check(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)

    def begin(self, path: str, incarnation: int) -> None:
        self.check(path not in self.up, "two incarnations at once")
        parent = path.rpartition("/")[0]
        self.check(not parent or parent in self.up, "a child without its parent")
        self.up[path] = incarnation
        self.events.append(("up", path, incarnation))

    def end(self, path: str, incarnation: int) -> None:
        self.check(self.up.pop(path, None) == incarnation, "an end of who did not run")
        self.check(not [other for other in self.up if other.startswith(f"{path}/")], "a child outlives its parent")
        self.events.append(("down", path, incarnation))

    def tell(self, watcher: str, watching: int, path: str, incarnation: int) -> None:
        event = ("told", watcher, watching, path, incarnation)
        self.check(event not in self.events, "told twice")
        self.check(("down", path, incarnation) in self.events, "told before its end")
        self.events.append(event)

    def ups(self, path: str) -> int:
        return len([event for event in self.events if event[:2] == ("up", path)])


Shape = tuple[str, list[Any]]
"""A strategy's name, and the shapes of the children."""

SHAPES: st.SearchStrategy[Shape] = st.recursive(
    st.just(("one_for_one", [])),
    lambda inner: st.tuples(
        st.sampled_from(["one_for_one", "one_for_all", "rest_for_one", "region"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)

STRATEGIES = {
    "one_for_one": one_for_one,
    "one_for_all": one_for_all,
    "rest_for_one": rest_for_one,
    "region": region,
}


class Poke(Message):
    """Have something to handle."""


class Tie(Message):
    """Be linked to `ref`."""

    ref: Ref


class Node(Supervisor):
    """A supervisor of the given shape, which watches its children."""

    def __init__(self, shape: Shape, chronicle: Chronicle, watcher: Ref | None) -> None:
        self.strategy = STRATEGIES[shape[0]](restarts=3)
        self.chronicle = chronicle
        self.shape = shape

    def started(self, context: Context) -> None:
        self.chronicle.begin(context.path, context.incarnation)
        for number, shape in enumerate(self.shape[1]):
            ref = context.spawn(
                Node, shape, self.chronicle, context.self, name=f"n{number}", backoff="1ms..4ms", restarts=3
            )
            context.watch(ref)

    @receives(Terminated)
    def on_terminated(self, terminated: Terminated, context: Context) -> None:
        self.chronicle.tell(context.path, context.incarnation, terminated.ref.path, terminated.incarnation)

    @receives(Poke)
    def on_poke(self, _: Poke, context: Context) -> None:
        """Nothing; but it may hang."""

    @receives(Tie)
    def on_tie(self, tie: Tie, context: Context) -> None:
        if tie.ref != context.self:
            context.link(tie.ref)

    def stopped(self, context: Context, reason: ExitReason) -> None:
        self.chronicle.end(context.path, context.incarnation)


def grow(system: ActorSystem, shape: Shape) -> Chronicle:
    """A tree of this shape."""
    chronicle = Chronicle()
    system.spawn(Node, shape, chronicle, None, name="top", backoff="1ms", restarts=1_000)
    return chronicle


def shake(system: ActorSystem, seed: int, crashes: int) -> None:
    """Crash actors at random, with random steps between."""
    chance = Entropy(seed)
    for _ in range(crashes):
        system.run(steps_max=chance.below(12))
        system.crash(chance.choice(system.actors()))
    system.run()


def bury(system: ActorSystem, chronicle: Chronicle) -> None:
    """Write down the end of whoever hung: no hook is called for them."""
    for path, incarnation in list(chronicle.up.items()):
        cell = system._kernel.cells.get(path)
        if cell is None or not cell.lives_as(incarnation):
            chronicle.end(path, incarnation)


def ail(system: ActorSystem, chronicle: Chronicle, seed: int, blows: int) -> None:
    """Crash actors, let them hang, tie them, at random."""
    chance = Entropy(seed)
    for _ in range(blows):
        system.run(steps_max=chance.below(12))
        ref = chance.choice(system.actors())
        kind = chance.choice(["crash", "hang", "link"])
        if kind == "crash":
            system.crash(ref)
        elif kind == "hang":
            system.hang(ref)
            system.tell(ref, Poke())
        else:
            system.tell(ref, Tie(chance.choice(system.actors())))
    system.run()


@settings(max_examples=1_000)
@given(SHAPES, st.integers(0, 2**32), st.integers(0, 10))
def test_a_thousand_ailing_trees_are_whole_again(shape: Shape, seed: int, blows: int) -> None:
    """Whatever crashes, hangs or fails with others: nothing outlives its parent, and in the end all run once."""
    with ActorSystem(runtime="simulation", seed=seed) as system:
        chronicle = grow(system, shape)
        whole = sorted(chronicle.up)

        system.simulator.on_step.append(lambda: bury(system, chronicle))
        ail(system, chronicle, seed, blows)

        assert chronicle.wrong == []
        assert sorted(chronicle.up) == whole
        assert sorted(ref.path for ref in system.actors()) == whole
        assert "hung" not in system.tree()
        ends = [event[1:] for event in chronicle.events if event[0] == "down"]
        starts = [event[1:] for event in chronicle.events if event[0] == "up"]
        assert len(set(ends)) == len(ends)  # Each incarnation ended once,
        assert sorted([*ends, *chronicle.up.items()]) == sorted(starts)  # and all but those that run did.


@given(SHAPES, st.integers(0, 2**32), st.integers(0, 12))
def test_after_any_crashes_the_whole_tree_runs_again(shape: Shape, seed: int, crashes: int) -> None:
    """No incarnation overlaps another, none outlives its parent, and in the end all are there."""
    with ActorSystem(runtime="simulation", seed=seed) as system:
        chronicle = grow(system, shape)
        whole = sorted(chronicle.up)

        shake(system, seed, crashes)

        assert chronicle.wrong == []
        assert sorted(chronicle.up) == whole
        assert sorted(ref.path for ref in system.actors()) == whole


@given(SHAPES, st.integers(0, 2**32), st.integers(0, 12))
def test_every_restart_is_accounted_for(shape: Shape, seed: int, crashes: int) -> None:
    """The top's snapshot tells as many restarts as it had, and each end is followed by a start."""
    with ActorSystem(runtime="simulation", seed=seed) as system:
        chronicle = grow(system, shape)

        shake(system, seed, crashes)

        seen = system.ask(Ref("top"), Observe())
        assert isinstance(seen, Observed)
        assert seen.restarts == chronicle.ups("top") - 1
        ends = [event for event in chronicle.events if event[0] == "down"]
        starts = [event for event in chronicle.events if event[0] == "up"]
        assert len(starts) - len(ends) == len(chronicle.up)


@given(SHAPES, st.integers(0, 2**32), st.integers(0, 12))
def test_a_watcher_is_told_once_of_each_end_that_it_lives_to_see(shape: Shape, seed: int, crashes: int) -> None:
    """While the same incarnation of the parent lives, each end of a child is told, once."""
    with ActorSystem(runtime="simulation", seed=seed) as system:
        chronicle = grow(system, shape)

        shake(system, seed, crashes)

        for parent, watching in chronicle.up.items():
            since = chronicle.events.index(("up", parent, watching))
            ends = [event[1:] for event in chronicle.events[since:] if _is_end_below(event, parent)]
            told = [event[3:] for event in chronicle.events if event[:3] == ("told", parent, watching)]
            assert sorted(told) == sorted(ends)


def _is_end_below(event: tuple[Any, ...], parent: str) -> bool:
    kind, path, *_ = event
    return bool(kind == "down" and path.rpartition("/")[0] == parent)


@given(SHAPES, st.integers(0, 2**32), st.integers(0, 6))
def test_all_stop_in_reverse(shape: Shape, seed: int, crashes: int) -> None:
    """Leaving the system ends everybody once, siblings in the reverse order of their birth."""
    with ActorSystem(runtime="simulation", seed=seed) as system:
        chronicle = grow(system, shape)
        shake(system, seed, crashes)
        before = len(chronicle.events)
        alive = list(chronicle.up)

    ended = [event[1] for event in chronicle.events[before:]]
    assert sorted(ended) == sorted(alive)
    for path in alive:
        siblings = [other for other in ended if other.rpartition("/")[0] == path]
        assert siblings == sorted(siblings, reverse=True)


class Leaf(Actor):
    def __init__(self, chronicle: Chronicle) -> None:
        self.chronicle = chronicle

    def started(self, context: Context) -> None:
        self.chronicle.begin(context.path, context.incarnation)

    def stopped(self, context: Context, reason: ExitReason) -> None:
        self.chronicle.end(context.path, context.incarnation)


REGIONS = {"a": "x", "b": "y", "c": "x", "d": "y"}


class Declared(Supervisor):
    """A supervisor with declared children."""

    def __init__(self, scope: str, chronicle: Chronicle) -> None:
        self.strategy = STRATEGIES[scope](restarts=1_000)
        self.children: tuple[ChildSpec, ...] = tuple(
            child(name, Leaf, chronicle, backoff="1ms..4ms", region=REGIONS[name]) for name in REGIONS
        )


@given(st.sampled_from(sorted(STRATEGIES)), st.integers(0, 2**32), st.integers(1, 10))
def test_who_restarts_together_starts_in_order(scope: str, seed: int, crashes: int) -> None:
    """After any crashes, the children that a strategy ties have started in their order."""
    with ActorSystem(runtime="simulation", seed=seed) as system:
        chronicle = Chronicle()
        chronicle.up[""] = chronicle.up["top"] = 0
        system.spawn(Declared, scope, chronicle, name="top")

        shake(system, seed, crashes=0)
        chance = Entropy(seed)
        for _ in range(crashes):
            system.run(steps_max=chance.below(12))
            system.crash(Ref(f"top/{chance.choice('abcd')}"))
        system.run()

        up = [path for path in chronicle.up if path.startswith("top/")]
        assert sorted(up) == ["top/a", "top/b", "top/c", "top/d"]
        if scope == "region":
            for label in ("x", "y"):
                tied = [path for path in up if REGIONS[path[-1]] == label]
                assert tied == sorted(tied)
        elif scope != "one_for_one":
            assert up == sorted(up)
