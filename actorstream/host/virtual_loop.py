"""An asyncio loop on virtual time: for coroutines of users, in a simulation.

Theory of operation. The loop does not run; it is driven. Whenever something is ready, it asks for a turn after a
moment; in that turn it does what was ready when the turn began, as asyncio does, in the order in which it became so. A
timer is an event of the simulation that makes something ready. So `asyncio.sleep` takes virtual time and no real one,
and coroutines, timers and actors share one order of events, which the seed decides through `lag_us`.

What would leave the simulation raises `OutsideSimulation`: connections, servers, files and pipes, threads, processes,
signals. What does so without asking the loop, such as a blocking socket, cannot be noticed here.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, NoReturn, Protocol, TypeVarTuple, Unpack

from actorstream.errors import OutsideSimulation
from actorstream.host.clock import Clock
from actorstream.host.outside_loop import OutsideLoop

CLOSING_TURNS_MAX = 100
"""Turns in which coroutines that are cancelled may end, when their loop closes."""

Ts = TypeVarTuple("Ts")
Handler = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]


class Event(Protocol):
    """What will happen."""

    def cancel(self) -> None:
        """Let it not happen; nothing if it has happened."""
        ...


class _TimerHandle(asyncio.TimerHandle):
    __slots__ = ("event",)

    event: Event

    def cancel(self) -> None:
        self.event.cancel()
        super().cancel()


class VirtualLoop(OutsideLoop):
    """See the module.

    Args:
        clock: the simulation's.
        after: lets something happen after so many microseconds.
        lag_us: how much later than asked a timer rings, each time.
    """

    def __init__(
        self, clock: Clock, after: Callable[[int, Callable[[], None]], Event], lag_us: Callable[[], int]
    ) -> None:
        self._clock = clock
        self._after = after
        self._lag_us = lag_us
        self._thread_id = threading.get_ident()
        self._ready: deque[asyncio.Handle] = deque()
        self._is_due = False  # A turn is.
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._state = "open"
        self._handler: Handler | None = None
        self._task_factory: Any = None

    def time(self) -> float:
        """Virtual time, in seconds."""
        return self._clock.monotonic_us() / 1e6

    # --- what is ready, and when -----------------------------------------------------------------------------------

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """See asyncio."""
        if self._state == "closed":
            raise RuntimeError("the simulation of this loop is over")
        handle = asyncio.Handle(callback, args, self, context)
        self._make_ready(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """See asyncio; there are no threads here.

        Raises:
            OutsideSimulation: another thread calls.
        """
        if threading.get_ident() != self._thread_id:
            raise OutsideSimulation("threads", "loop.call_soon_threadsafe")
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        delay_us = max(round(delay * 1e6), 0) + self._lag_us()
        handle = _TimerHandle(self.time() + delay_us / 1e6, callback, args, self, context)
        handle.event = self._after(delay_us, lambda: self._make_ready(handle))
        return handle

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        return self.call_later(when - self.time(), callback, *args, context=context)

    def _make_ready(self, handle: asyncio.Handle) -> None:
        self._ready.append(handle)
        if not self._is_due and self._state == "open":
            self._is_due = True
            self._after(1, self._turn)

    def _turn(self) -> None:
        before = asyncio._get_running_loop()  # The user's own, if the simulation runs within one.
        hooks = sys.get_asyncgen_hooks()
        asyncio._set_running_loop(self)
        sys.set_asyncgen_hooks(None, self._finish)
        try:
            for _ in range(len(self._ready)):
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
        finally:
            asyncio._set_running_loop(before)
            sys.set_asyncgen_hooks(*hooks)
            self._is_due = False
        if self._ready and self._state == "open":
            self._is_due = True
            self._after(1, self._turn)

    def _finish(self, values: AsyncGenerator[Any, Any]) -> None:
        """An async generator was let go of: its `finally` blocks run."""
        if self._state != "closed":
            self.create_task(values.aclose())

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Asyncio calls this; the event was cancelled already."""

    # --- futures and tasks -----------------------------------------------------------------------------------------

    def create_future(self) -> asyncio.Future[Any]:
        """See asyncio."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None, **options: Any) -> Any:
        """See asyncio."""
        if self._task_factory is not None:
            return self._task_factory(self, coro, context=context)
        task = asyncio.Task(coro, loop=self, name=name, context=context, **options)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task

    def set_task_factory(self, factory: Any) -> None:
        """See asyncio."""
        self._task_factory = factory

    def get_task_factory(self) -> Any:
        """See asyncio."""
        return self._task_factory

    # --- what went wrong -------------------------------------------------------------------------------------------

    def set_exception_handler(self, handler: Handler | None) -> None:
        """See asyncio."""
        self._handler = handler

    def get_exception_handler(self) -> Handler | None:
        """See asyncio."""
        return self._handler

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """See asyncio; nothing once the loop is closing: then what has not ended was given up."""
        if self._state == "open":
            (self._handler or _log)(self, context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """See asyncio."""
        _log(self, context)

    # --- life ------------------------------------------------------------------------------------------------------

    def is_running(self) -> bool:
        """See asyncio."""
        return self._state != "closed"

    def is_closed(self) -> bool:
        """See asyncio."""
        return self._state == "closed"

    def get_debug(self) -> bool:
        """See asyncio."""
        return False

    def set_debug(self, enabled: bool) -> None:
        """See asyncio; there is no such mode here."""

    async def shutdown_asyncgens(self) -> None:
        """See asyncio."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's own
        """See asyncio."""

    def run_forever(self) -> NoReturn:
        """See asyncio.

        Raises:
            RuntimeError: the simulation drives this loop.
        """
        raise RuntimeError("the simulation drives this loop; await instead")

    def run_until_complete(self, future: Any) -> NoReturn:
        """As `run_forever`."""
        self.run_forever()

    def stop(self) -> NoReturn:
        """As `run_forever`."""
        self.run_forever()

    @property
    def open_tasks(self) -> int:
        """How many tasks have not ended."""
        return len(self._tasks)

    def close(self) -> None:
        """Cancel what has not ended, and let it end, for so many turns; no timer rings any more."""
        if self._state != "open":
            return
        self._state = "closing"
        for task in list(self._tasks):
            if not task.cancelling():  # Twice would break off its tidying up.
                task.cancel()
        for _ in range(CLOSING_TURNS_MAX):
            if not self._ready:
                break
            self._turn()
        self._ready.clear()
        self._state = "closed"


def _log(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    logging.getLogger("asyncio").error(context.get("message", "a coroutine failed"), exc_info=error)
