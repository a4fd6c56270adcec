"""One actor by itself, as `actorstream.testing.actor_kit` gives it."""

from __future__ import annotations

from typing import Any

import pytest

from actorstream.actors import Actor, ChildSpec, Context, ExitReason, Message, Ref, Supervisor, child, receives
from actorstream.testing import actor_kit
from actorstream.testing.actor_kit import (
    Background,
    Linked,
    Scheduled,
    Sent,
    Spawned,
    Stopped,
    Unlinked,
    Unwatched,
    Watched,
)

OTHER = Ref("other")


class Do(Message):
    what: str


class Came(Message):
    what: Any


class Doer(Actor, accepts=Do | Came):
    def __init__(self, name: str = "doer") -> None:
        self.name = name
        self.came: list[Any] = []

    def started(self, context: Context) -> None:
        context.send(OTHER, Came(f"{self.name} started"))

    def stopped(self, context: Context, reason: ExitReason) -> None:
        context.send(OTHER, Came(type(reason).__name__))

    @receives(Do)
    def on_do(self, do: Do, context: Context) -> None:
        match do.what:
            case "watch":
                context.watch(OTHER)
                context.unwatch(OTHER)
            case "link":
                context.link(OTHER)
                context.unlink(OTHER)
            case "spawn":
                context.spawn(Doer, "child", name="first", restart="temporary")
            case "stop":
                context.stop(OTHER)
                context.stop()
            case "schedule":
                context.schedule("5s", Came("later"))
                context.schedule("1s", Came(("soon", context.now())))
                context.schedule("1s", Came("never")).cancel()
            case "work":
                context.background(lambda: 6 * 7, Came)
            case "break":
                context.background(lambda: 1 // 0, Came)
            case _:
                raise ValueError(do.what)

    @receives(Came)
    def on_came(self, came: Came, context: Context) -> None:
        self.came.append((came.what, context.sender.path))
        context.reply(came)

    def observe(self) -> dict[str, Any]:
        return {"came": len(self.came)}


def test_an_answer_goes_to_whoever_sent() -> None:
    """The sender is the test's unless it says otherwise."""
    kit = actor_kit(Doer, name="ada")
    assert kit.take() == [Sent(OTHER, Came("ada started"))]

    kit.send(Came(1))
    kit.send(Came(2), sender=OTHER)

    assert kit.take() == [Sent(Ref("test"), Came(1)), Sent(OTHER, Came(2))]
    assert kit.observe() == {"came": 2}


@pytest.mark.parametrize(
    ("what", "effects"),
    [
        ("watch", [Watched(OTHER), Unwatched(OTHER)]),
        ("link", [Linked(OTHER), Unlinked(OTHER)]),
        ("stop", [Stopped(OTHER), Stopped(Ref("actor"))]),
        ("spawn", [Spawned(Ref("actor/first"), ChildSpec("first", Doer, ("child",), restart="temporary"))]),
    ],
)
def test_what_an_actor_does_is_a_value(what: str, effects: list[Any]) -> None:
    """It can be compared."""
    kit = actor_kit(Doer)
    kit.take()

    kit.send(Do(what))

    if what == "spawn":
        [spawned] = kit.take()
        assert isinstance(spawned, Spawned)
        assert (spawned.ref, spawned.spec.actor, spawned.spec.restart) == (Ref("actor/first"), Doer, "temporary")
        assert spawned.spec.arguments == ("child",)
    else:
        assert kit.take() == effects


def test_timers_come_when_time_passes() -> None:
    """Only then, in order, and not if they were cancelled."""
    kit = actor_kit(Doer)
    begun = kit.host.clock.now_us()
    kit.send(Do("schedule"))
    assert Scheduled(5_000_000, Came("later")) in kit.effects
    assert kit.actor.came == []

    kit.advance("4s")
    assert [what for what, _ in kit.actor.came] == [("soon", begun)]
    kit.advance("1s")
    assert kit.actor.came[1:] == [("later", "actor")]


def test_background_work_waits_for_the_test() -> None:
    """Its result comes as a message; what it raises is raised in the test."""
    kit = actor_kit(Doer)
    kit.send(Do("work"))
    assert isinstance(kit.take()[-1], Background)
    assert kit.actor.came == []

    assert kit.run_background() == 1
    assert kit.actor.came == [(42, "actor")]
    kit.send(Do("break"))
    with pytest.raises(ZeroDivisionError):
        kit.run_background()


def test_what_a_handler_raises_is_raised_in_the_test() -> None:
    """So is a message without a handler."""
    kit = actor_kit(Doer)

    with pytest.raises(ValueError, match="nonsense"):
        kit.send(Do("nonsense"))
    with pytest.raises(LookupError, match="Doer has no handler for Message"):
        kit.send(Message())


def test_the_hook_at_the_end() -> None:
    """`stop` calls it, with a reason."""
    kit = actor_kit(Doer)
    kit.take()

    kit.stop()

    assert kit.take() == [Sent(OTHER, Came("Shutdown"))]


def test_declared_children_are_spawned_first() -> None:
    """A supervisor's children are effects, too."""

    class Desk(Supervisor):
        children = (child("a", Doer), child("b", Doer))

        def started(self, context: Context) -> None:
            context.send(OTHER, Came("desk"))

    kit = actor_kit(Desk)

    assert [type(effect).__name__ for effect in kit.take()] == ["Spawned", "Spawned", "Sent"]
