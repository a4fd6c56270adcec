"""Actors in several processes: what becomes of them when a process is killed.

Run it with `python examples/nodes.py`.
"""

from __future__ import annotations

import os
import signal
import threading

from actorstream.actors import (
    Actor,
    ActorSystem,
    Context,
    Lost,
    Message,
    Ref,
    Supervisor,
    Terminated,
    child,
    one_for_one,
    receives,
)


class Square(Message):
    """Square this number; answered by `Squared`."""

    number: int


class Squared(Message):
    """The square, and the process in which it was found."""

    number: int
    pid: int


class Where(Message):
    """Tell when the worker's node has died."""


class Died(Message):
    """The node that has died."""

    node: str


class Worker(Actor, accepts=Square):
    """Squares numbers, in whatever process it lives."""

    @receives(Square)
    def on_square(self, square: Square, context: Context) -> None:
        context.reply(Squared(square.number**2, os.getpid()))


class Office(Supervisor):
    """Keeps a worker on some node, and another one when that node is lost."""

    strategy = one_for_one(restarts=5, within="60s")
    children = (child("worker", Worker, node="any", backoff="10ms"),)


class Witness(Actor, accepts=Where | Terminated):
    """Watches the worker from this process."""

    def started(self, context: Context) -> None:
        self.asked: list[Ref] = []
        context.watch(Ref("office/worker"))

    @receives(Where)
    def on_where(self, where: Where, context: Context) -> None:
        self.asked.append(context.sender)

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        assert isinstance(ended.reason, Lost)
        for asker in self.asked:
            context.send(asker, Died(ended.reason.node))


def squared(system: ActorSystem, number: int) -> Squared:
    """Ask the worker, wherever it is."""
    answer = system.ask(Ref("office/worker"), Square(number), timeout="10s")
    assert isinstance(answer, Squared)
    return answer


if __name__ == "__main__":
    with ActorSystem(nodes=2) as system:
        system.spawn(Office, name="office")
        witness = system.spawn(Witness, name="witness")

        first = squared(system, 7)
        print(f"7 squared is {first.number}, found in another process: {first.pid != os.getpid()}")

        threading.Timer(0.1, os.kill, (first.pid, signal.SIGKILL)).start()
        died = system.ask(witness, Where(), timeout="10s")
        assert isinstance(died, Died)
        print(f"the worker's process was killed, and its watcher told: {died.node in ('node-1', 'node-2')}")

        second = squared(system, 8)
        print(f"8 squared is {second.number}, found in a third process: {second.pid not in (first.pid, os.getpid())}")
