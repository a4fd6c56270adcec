"""The simulation runtime: one thread, virtual time, an order that the seed decides.

Theory of operation. Among the actors that have something to do, the seed picks the next; it handles one signal or
one message, and virtual time moves on by a small amount that the seed decides, too. Timers, and background work,
wait in a heap ordered by (time, sequence); when no actor has anything to do, time jumps to the first of them.
Messages are in the receiver's mailbox at once, so the order of two messages from one sender to one receiver is kept;
everything else may be reordered.

Guarantees: the same seed and the same actors give the same trace, on every Python.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol, TypeVar

from actorstream.actors.agenda import Agenda, Event
from actorstream.actors.cell import Cell
from actorstream.actors.message import FAILURES
from actorstream.actors.observing import peek
from actorstream.actors.scheduler import Ended, Finished, Function
from actorstream.actors.trace import Trace
from actorstream.host import Entropy, VirtualClock
from actorstream.host.crew import Crew, Crews, Outcome
from actorstream.host.virtual_loop import VirtualLoop

T = TypeVar("T")

STEP_US = (1, 500)
"""How far one step moves virtual time, from and to, unless the system is told otherwise."""

BACKGROUND_US = (50, 5_000)
"""How long background work takes, from and to."""

LAG_US_MAX = 1_000
"""How much later than asked a timer of a coroutine may ring."""


class Order(Protocol):
    """Decides who is next, and how long things take."""

    def add(self, cell: Cell) -> None:
        """`cell` has something to do."""
        ...

    def take(self) -> Cell | None:
        """Whoever is next; None if nobody has anything to do."""
        ...

    def pause(self) -> int:
        """How many microseconds the step of whoever was taken last takes."""
        ...

    def between(self, low: int, high: int) -> int:
        """A number within the bounds, both included."""
        ...


class SeededOrder:
    """Any of the actors that have something to do, each as likely."""

    __slots__ = ("_bits", "_cells", "_drawn", "_step_span_us", "_step_us", "add")

    def __init__(self, seed: int, step_us: tuple[int, int]) -> None:
        self._cells: list[Cell] = []
        self._bits = Entropy(seed).stream("schedule").bits
        self._step_us = step_us[0]
        self._step_span_us = step_us[1] - step_us[0] + 1
        self._drawn = 0
        self.add = self._cells.append

    def take(self) -> Cell | None:
        cells = self._cells
        if not cells:
            return None
        self._drawn = drawn = self._bits()
        index = (drawn & 0xFFFFFFFF) % len(cells)
        cells[index], cells[-1] = cells[-1], cells[index]
        return cells.pop()

    def pause(self) -> int:
        return self._step_us + (self._drawn >> 32) % self._step_span_us  # The half that did not choose the actor.

    def between(self, low: int, high: int) -> int:
        return low + self._bits() % (high - low + 1)


class FifoOrder:
    """One after the other, nothing by chance."""

    __slots__ = ("_cells", "_step_us", "add")

    def __init__(self, step_us: tuple[int, int]) -> None:
        self._cells: deque[Cell] = deque()
        self._step_us = step_us[0]
        self.add = self._cells.append

    def take(self) -> Cell | None:
        return self._cells.popleft() if self._cells else None

    def pause(self) -> int:
        return self._step_us

    def between(self, low: int, high: int) -> int:
        return low


class SimulationScheduler:
    """See the module.

    Attributes:
        trace: what happened.
        is_endless: timers go on for ever, as those of nodes do; then letting timers happen is a step, too.
        on_step: called after each step; what they raise ends the run.
    """

    def __init__(self, clock: VirtualClock, seed: int | None, step_us: tuple[int, int] = STEP_US) -> None:
        self._clock = clock
        self._order: Order = FifoOrder(step_us) if seed is None else SeededOrder(seed, step_us)
        self._agenda = Agenda()
        self._loop: VirtualLoop | None = None  # Of the users' coroutines.
        self._crews = Crews()
        self._stepping = False
        self._abandoned = False
        self.is_own_thread = True
        self.prefix = ""
        self.is_endless = False
        self.hung: Cell | None = None  # Nothing runs between two steps.
        self.ready = self._order.add
        self.trace = Trace()
        self.on_step: list[Callable[[], None]] = []

    def step(self) -> bool:
        """One step; False if nothing is left to do.

        Raises:
            RuntimeError: a step is under way.
        """
        if self._stepping:
            raise RuntimeError("an actor cannot drive the simulation it runs in; send a message instead of asking")
        cell = self._next()
        if cell is None:
            return self.is_endless and not self._abandoned and len(self._agenda) > 0
        self._stepping = True
        try:
            self._run(cell)
        finally:
            self._stepping = False
        for call in self.on_step:
            call()
        return True

    def run(self, until: Callable[[], bool] | None, steps_max: int) -> int:
        """Step until `until()` holds, nothing is left to do, or `steps_max` steps are done; returns their number."""
        steps = 0
        while steps < steps_max and not (until is not None and until()) and self.step():
            steps += 1
        return steps

    def abandon(self) -> None:
        """Nothing runs any more: as if the process was gone."""
        self._abandoned = True
        self._close_loop()
        self._agenda.clear()

    def after(self, delay_us: int, fire: Callable[[], None]) -> Event:
        """See `Scheduler`."""
        return self._agenda.add(self._clock.now_us() + delay_us, fire)

    def background(self, work: Callable[[], Any], finished: Finished) -> None:
        """See `Scheduler`; the work is done in one go, at the time when it ends."""

        def run() -> None:
            try:
                result = work()
            except FAILURES as error:
                finished(None, error)
            else:
                finished(result, None)

        self.after(self._order.between(*BACKGROUND_US), run)

    def crew(self, function: Function, hands: int, waits_us: Sequence[int], finished: Ended) -> Crew:
        """See `Scheduler`; outcomes come home in pieces, in any order, as the seed decides."""
        if self._loop is None:
            self._loop = VirtualLoop(self._clock, self.after, lambda: self._order.between(0, LAG_US_MAX))
        return self._crews.add(Crew(self._loop, function, hands, waits_us, partial(self._bring_home, finished)))

    def _bring_home(self, finished: Ended, outcomes: list[Outcome]) -> None:
        start = 0
        while start < len(outcomes):
            left = len(outcomes) - start
            stop = start + left - self._order.between(0, left - 1)
            self.after(self._order.between(*BACKGROUND_US), partial(finished, outcomes[start:stop]))
            start = stop

    @property
    def open_coroutines(self) -> int:
        """How many tasks of coroutines have not ended."""
        return self._loop.open_tasks if self._loop is not None else 0

    def call(self, function: Callable[[], T]) -> T:
        """See `Scheduler`."""
        return function()

    def post(self, function: Callable[[], None]) -> None:
        """See `Scheduler`."""
        function()

    def wait(self, future: Future[T], timeout_us: int) -> T:
        """See `Scheduler`; drives the simulation."""
        deadline_us = self._clock.now_us() + timeout_us
        while not future.done():
            if not self.step():
                raise TimeoutError
            if self._clock.now_us() > deadline_us and not future.done():
                raise TimeoutError
        return future.result()

    def close(self) -> None:
        """See `Scheduler`."""
        self._close_loop()

    def _close_loop(self) -> None:
        self._crews.cancel()
        if self._loop is not None:
            self._loop.close()

    def _next(self) -> Cell | None:
        if self._abandoned:
            return None
        next_us = self._agenda.next_us()
        if 0 <= next_us <= self._clock.now_us():
            self._agenda.fire(self._clock.now_us())
        cell = self._take()
        while cell is None and (next_us := self._agenda.next_us()) >= 0:
            self._clock.advance_to(next_us)
            self._agenda.fire(next_us)
            cell = self._take()
            if self.is_endless:
                break
        return cell

    def _take(self) -> Cell | None:
        """Whoever is next, but for those whose node does not run."""
        cell = self._order.take()
        while cell is not None and not cell.kernel.scheduler.admit(cell):
            cell = self._order.take()
        return cell

    def admit(self, cell: Cell) -> bool:
        """Whether this cell, whose turn it is, may go on: this node always runs."""
        return True

    def _run(self, cell: Cell) -> None:
        now_us = self._clock.now_us() + self._order.pause()
        self._clock.advance_to(now_us)
        self.trace.add(now_us, cell.kernel.scheduler.prefix + cell.path, peek(cell))
        if cell.run(1):
            self._order.add(cell)
