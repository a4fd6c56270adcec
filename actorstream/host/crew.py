"""A crew: calls of one async function, so many awaited at a time, on one loop.

Theory of operation. Calls wait in a queue; a worker, which is a task of the loop, takes one, awaits it, and takes the
next, until there is none. So a call that need not wait costs no task of its own. Workers are made when there are calls
for them, never more than there are `hands`. What is finished in one turn of the loop is delivered together. A worker
that has been at work for a slice without waiting lets the others have their turn.

Guarantees: calls begin in the order in which they were given; never more than `hands` have begun and not ended; after
`cancel` nothing begins and nothing is delivered. Leaves to others: the loop, and how what is delivered comes home.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from actorstream.errors import OutsideSimulation

Call = tuple[Any, Any]
"""What its caller knows a call by, and the argument of the function."""

Outcome = tuple[Any, Any, BaseException | None]
"""What its caller knows the call by, what it gave, what it raised."""

_SLICE_SECONDS = 0.005  # How long calls may go on without waiting before others get their turn.
_FAILURES = (Exception, SystemExit, KeyboardInterrupt)


class Crew:
    """See the module.

    Args:
        function: called with each argument; what it gives is awaited.
        hands: how many calls may be under way at a time.
        waits_us: how long to wait before each further call, where one has raised; the call keeps its hand meanwhile.
        deliver: told what has ended, on the loop's thread.

    Attributes:
        is_cancelled: it has come to nothing; set on the loop's thread.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        function: Callable[[Any], Coroutine[Any, Any, Any]],
        hands: int,
        waits_us: Sequence[int],
        deliver: Callable[[list[Outcome]], None],
    ) -> None:
        assert hands > 0
        self._loop = loop
        self._function = self._again_and_again(function, waits_us) if waits_us else function
        self._hands = hands
        self._deliver = deliver
        self._calls: deque[Call] = deque()
        self._workers: dict[asyncio.Task[None], None] = {}
        self._outcomes: list[Outcome] = []
        self.is_cancelled = False

    def start(self, calls: Sequence[Call]) -> None:
        """Make these calls, after those before; from any thread."""
        with contextlib.suppress(RuntimeError):  # The loop is closed, and with it everything ends.
            self._loop.call_soon_threadsafe(self._take, calls)

    def cancel(self) -> None:
        """Cancel what is under way, and forget the rest; from any thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._cancel)

    # --- on the loop's thread --------------------------------------------------------------------------------------

    def _take(self, calls: Sequence[Call]) -> None:
        if self.is_cancelled:
            return
        self._calls.extend(calls)
        for _ in range(min(self._hands - len(self._workers), len(self._calls))):
            self._workers[self._loop.create_task(self._work())] = None

    def _cancel(self) -> None:
        if self.is_cancelled:
            return  # Cancelled twice, a call could not tidy up.
        self.is_cancelled = True
        self._calls.clear()
        for worker in self._workers:
            worker.cancel()

    async def _work(self) -> None:
        try:
            await self._work_off()
        finally:
            worker = asyncio.current_task(self._loop)
            if worker is not None:  # None: the loop is gone, and what is left of it is cleared away.
                self._workers.pop(worker, None)  # At once: a call that comes now needs another.

    async def _work_off(self) -> None:
        calls, function, time = self._calls, self._function, self._loop.time
        end = time() + _SLICE_SECONDS
        while calls:
            name, argument = calls.popleft()
            outcome: Outcome
            try:
                outcome = name, await function(argument), None
            except asyncio.CancelledError as error:
                outcome = name, None, self._not_by_us(error)
            except _FAILURES as error:
                outcome = name, None, error
            self._ended(outcome)
            del outcome  # An exception holds the frames that it went through, this one too.
            if time() > end:
                await asyncio.sleep(0)
                end = time() + _SLICE_SECONDS

    def _not_by_us(self, error: asyncio.CancelledError) -> Exception:
        """What a call has failed with that was cancelled by its own doing; else let the worker end."""
        if self.is_cancelled:
            raise error
        worker = asyncio.current_task(self._loop)
        assert worker is not None
        while worker.cancelling():
            worker.uncancel()
        failure = RuntimeError("the call was cancelled, and not by the job")
        failure.__cause__ = error
        return failure

    def _ended(self, outcome: Outcome) -> None:
        if not self._outcomes:
            self._loop.call_soon(self._hand_over)
        self._outcomes.append(outcome)

    def _hand_over(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        if not self.is_cancelled:
            self._deliver(outcomes)

    @staticmethod
    def _again_and_again(
        function: Callable[[Any], Coroutine[Any, Any, Any]], waits_us: Sequence[int]
    ) -> Callable[[Any], Coroutine[Any, Any, Any]]:
        async def call(argument: Any) -> Any:
            for wait_us in waits_us:
                try:
                    return await function(argument)
                except OutsideSimulation:
                    raise
                except Exception:
                    pass
                await asyncio.sleep(wait_us / 1e6)
            return await function(argument)

        return call


class Crews:
    """All crews of one loop, to be cancelled before it closes: so none takes that for a doing of its calls."""

    def __init__(self) -> None:
        self._crews: list[Crew] = []

    def add(self, crew: Crew) -> Crew:
        """Remember a crew, until it is cancelled."""
        self._crews = [*(one for one in self._crews if not one.is_cancelled), crew]
        return crew

    def cancel(self) -> None:
        """Cancel them all."""
        for crew in self._crews:
            crew.cancel()
        self._crews.clear()
