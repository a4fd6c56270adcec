"""A handler that never returns, in a real process."""

from __future__ import annotations

import threading
from typing import Any

import structlog

from actorstream.actors import Actor, ActorSystem, Context, Hung, Message, Ref, Terminated, receives


class Sleep(Message):
    """Never come back."""


class Told(Message):
    """Answer when the sleeper has ended."""


class End(Message):
    handler: str


class Sleeper(Actor, accepts=Sleep):
    @receives(Sleep)
    def on_sleep(self, sleep: Sleep, context: Context) -> None:
        threading.Event().wait(60)


class Watcher(Actor, accepts=Told | Terminated):
    def started(self, context: Context) -> None:
        context.watch(Ref("sleeper"))

    @receives(Told)
    def on_told(self, told: Told, context: Context) -> None:
        self.asker = context.sender
        context.send(Ref("sleeper"), Sleep())

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        assert isinstance(ended.reason, Hung)
        context.send(self.asker, End(ended.reason.handler))


def test_a_node_whose_handler_hangs_says_where_and_is_replaced() -> None:
    """Its stack is logged here; who watches learns why; the node comes back."""
    with structlog.testing.capture_logs() as logged, ActorSystem(nodes=1, lost_after="1s") as system:
        system.spawn(Sleeper, name="sleeper", node="any", backoff="1ms")
        watcher = system.spawn(Watcher)

        end: Any = system.ask(watcher, Told(), timeout="20s")

        assert end == End("Sleep")
        hung = next(entry for entry in logged if entry["event"] == "handler hung")
        assert (hung["actor"], hung["message"]) == ("sleeper", "Sleep")
        assert "on_sleep" in hung["stack"]
