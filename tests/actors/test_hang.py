"""Handlers that do not come back: what is told of them, and what ends them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from actorstream.actors import (
    Actor,
    ActorSystem,
    Context,
    Hung,
    Killed,
    Message,
    Observe,
    Observed,
    Ref,
    Terminated,
    receives,
)
from actorstream.actors.hangs import Glance
from actorstream.errors import ActorTerminated


class Work(Message):
    """Wait until `go`."""

    go: threading.Event


class Worker(Actor, accepts=Work):
    @receives(Work)
    def on_work(self, work: Work, context: Context) -> None:
        work.go.wait(20)
        context.reply(work)


class Watcher(Actor):
    """Remembers why the worker ended."""

    reasons: list[Any]

    def __init__(self, reasons: list[Any]) -> None:
        self.reasons = reasons

    def started(self, context: Context) -> None:
        context.watch(Ref("worker"))

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        self.reasons.append(ended.reason)


def go() -> threading.Event:
    """Nobody waits for it in the end."""
    event = threading.Event()
    event.set()
    return event


def test_a_handler_that_hangs_is_reported_with_its_stack(logged: list[Any]) -> None:
    """One line tells the actor, the message, for how long, and where it is; the tree shows it."""
    work = Work(threading.Event())
    with ActorSystem() as system:
        worker = system.spawn(Worker, name="worker", hang_after="50ms")
        system.tell(worker, work)
        for _ in range(1_000):
            if logged or threading.Event().wait(0.01):
                break
        tree = system.tree()
        work.go.set()
        system.ask(worker, Observe())
        after = system.tree()

    [entry] = logged
    assert (entry["event"], entry["actor"], entry["message"]) == ("handler hangs", "worker", "Work")
    assert entry["seconds"] > 0.05
    assert "on_work" in entry["stack"]
    assert tree == "worker  hung  restarts=0  mailbox=0"
    assert after == "worker  running  restarts=0  mailbox=0"


def test_without_a_limit_nothing_is_reported(logged: list[Any]) -> None:
    """`hang_after=None` is for handlers that may take as long as they like."""
    work = Work(threading.Event())
    with ActorSystem() as system:
        worker = system.spawn(Worker, hang_after=None)
        answer = system.ask_future(worker, work)
        threading.Event().wait(0.3)
        work.go.set()
        answer.result(10)

    assert logged == []


def test_many_quick_handlers_are_not_one_long_one(simulation: ActorSystem) -> None:
    """The time counts from the message, not from the turn."""
    now = [0]
    glance = Glance(lambda: now[0])
    worker = simulation.spawn(Worker)
    cell = simulation._kernel.cells[worker.path]
    seen = []
    for _ in range(5):
        now[0] += 100_000
        cell.handling = Work(go())
        busy = glance.busy((cell, 0))
        assert busy is not None
        seen.append(busy.elapsed_us)

    assert seen == [100_000] * 5


def test_what_hangs_in_a_simulation_ends_as_hung(simulation: ActorSystem) -> None:
    """After `hang_after` of virtual time its watchers are told, and it restarts."""
    reasons: list[Any] = []
    worker = simulation.spawn(Worker, name="worker", hang_after="30s")
    simulation.spawn(Watcher, reasons)
    assert simulation.hang(worker)

    begun = simulation.host.clock.now_us()
    with pytest.raises(ActorTerminated):
        simulation.ask(worker, Work(go()), timeout="60s")

    assert simulation.host.clock.now_us() - begun >= 30_000_000
    simulation.run()
    seen = simulation.ask(worker, Observe())
    assert isinstance(seen, Observed)
    assert seen.restarts == 1
    assert reasons == [Hung("Work", 30.0)]
    assert simulation.ask(worker, Work(go())) is not None


def test_what_hangs_and_is_told_to_stop_is_killed(simulation: ActorSystem) -> None:
    """It gets its `shutdown` time, as work in the background does."""
    reasons: list[Any] = []
    worker = simulation.spawn(Worker, name="worker", hang_after=None, shutdown="2s")
    simulation.spawn(Watcher, reasons)
    simulation.hang(worker)
    simulation.tell(worker, Work(go()))
    simulation.run()
    assert simulation.tree().startswith("worker  hung")

    simulation._kernel.stop(worker)
    simulation.run()

    assert reasons == [Killed()]
