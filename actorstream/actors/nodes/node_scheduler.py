"""The scheduler of one simulated node: it passes everything on to the one of the simulation, while the node runs.

Guarantees: nothing happens on a node that is dead, or that stands still; what should have happened meanwhile does when
it goes on, in order. What its actors do in the background takes as long as its disk's syncs do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from actorstream.actors.agenda import Event
from actorstream.actors.cell import Cell
from actorstream.actors.scheduler import Ended, Finished, Function, Timer
from actorstream.actors.simulation import SimulationScheduler
from actorstream.host import Disk, MemoryDisk
from actorstream.host.crew import Crew, Crews

T = TypeVar("T")


class _NodeTimer:
    """A timer that can be cancelled also while it waits for its node to go on."""

    __slots__ = ("_fire", "event")

    event: Event

    def __init__(self, fire: Callable[[], None]) -> None:
        self._fire: Callable[[], None] | None = fire

    def ring(self) -> None:
        """Its time has come, and its node runs."""
        fire, self._fire = self._fire, None
        if fire is not None:
            fire()

    def cancel(self) -> None:
        """See `Timer`."""
        self._fire = None
        self.event.cancel()


class NodeScheduler:
    """The scheduler of one simulated node; see the module.

    Attributes:
        prefix: what its actors' paths begin with in the trace.
        hung: whose handler hangs, and with it the node.
    """

    is_own_thread = True

    def __init__(self, base: SimulationScheduler, name: str, disk: Disk) -> None:
        self._base = base
        self._disk = disk
        self.prefix = f"{name}:"
        self.hung: Cell | None = None
        self.is_alive = True
        self._is_paused = False
        self._held: list[Callable[[], None]] = []
        self._crews = Crews()

    def admit(self, cell: Cell) -> bool:
        """Whether this cell, whose turn it is, may go on."""
        if self._is_paused and self.is_alive:
            self._held.append(partial(self._base.ready, cell))
        return self.is_alive and not self._is_paused

    def ready(self, cell: Cell) -> None:
        """See `Scheduler`."""
        self._base.ready(cell)

    def after(self, delay_us: int, fire: Callable[[], None]) -> Timer:
        """See `Scheduler`."""
        timer = _NodeTimer(fire)
        timer.event = self._base.after(delay_us, partial(self.do, timer.ring))
        return timer

    def background(self, work: Callable[[], Any], finished: Finished) -> None:
        """See `Scheduler`."""
        self._base.background(
            lambda: work() if self.is_alive else None,
            lambda result, error: self._come_home(partial(finished, result, error)),
        )

    def _come_home(self, finish: Callable[[], None]) -> None:
        """Work is done, but for the time that its syncs take on this disk."""
        wait_us = self._disk.take_wait_us() if isinstance(self._disk, MemoryDisk) else 0
        if wait_us:
            self.after(wait_us, finish)
        else:
            self.do(finish)

    def do(self, act: Callable[[], None]) -> None:
        """Let `act` happen on this node, when it goes on; never, if it is dead."""
        if self._is_paused:
            self._held.append(act)
        elif self.is_alive:
            act()

    def crew(self, function: Function, hands: int, waits_us: Sequence[int], finished: Ended) -> Crew:
        """See `Scheduler`."""
        return self._crews.add(
            self._base.crew(function, hands, waits_us, lambda outcomes: self.do(partial(finished, outcomes)))
        )

    def call(self, function: Callable[[], Any]) -> Any:
        """See `Scheduler`."""
        return function()

    def post(self, function: Callable[[], None]) -> None:
        """See `Scheduler`."""
        self.do(function)

    def wait(self, future: Future[T], timeout_us: int) -> T:
        """See `Scheduler`."""
        return self._base.wait(future, timeout_us)

    def close(self) -> None:
        """See `Scheduler`."""

    def kill(self) -> None:
        """Nothing of it happens any more."""
        self.is_alive = False
        self._held.clear()
        self._crews.cancel()

    def pause(self) -> None:
        """It stands still."""
        self._is_paused = True

    def resume(self) -> None:
        """It goes on where it stood."""
        self._is_paused = False
        held, self._held = self._held, []
        for act in held:
            self._base.after(0, partial(self.do, act))
