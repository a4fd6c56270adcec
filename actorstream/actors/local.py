"""The local runtime: one asyncio event loop in a thread of its own, and a few threads for background work.

Theory of operation. Actors that have something to do wait in a queue. A turn of the loop drains it, a batch of
messages an actor, for at most a slice; then the loop serves sockets and timers, and the next turn goes on. Calls
from other threads go through an inbox, and wake the loop once for however many of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from actorstream.actors.cell import Cell
from actorstream.actors.engine.watchdog import Busy
from actorstream.actors.hangs import Glance, HangReporter
from actorstream.actors.limits import (
    BACKGROUND_THREADS,
    BATCH_MESSAGES,
    INBOX_MAX,
    SLICE_SECONDS,
    STOP_SECONDS,
)
from actorstream.actors.message import FAILURES
from actorstream.actors.scheduler import Ended, Finished, Function, Timer
from actorstream.errors import ActorTerminated, MailboxFull
from actorstream.host.crew import Crew, Crews
from actorstream.host.loop_thread import LoopThread

T = TypeVar("T")


class LocalScheduler:
    """See the module.

    Args:
        report_hangs: look from a thread whether a handler hangs. Without it somebody else may ask `busy`.

    Attributes:
        loop: the event loop; whatever runs there may use the kernel directly.
    """

    prefix = ""

    def __init__(self, *, report_hangs: bool = True) -> None:
        self.loop = asyncio.new_event_loop()
        self._queue: deque[Cell] = deque()
        self._batch = 1  # Grows while handlers are quick, so that a slice is overrun by little.
        self._turning = False  # A turn runs, or is due.
        self._inbox: deque[Callable[[], None]] = deque()
        self._inbox_due = False
        self._closing = threading.Lock()  # Held to set `_closed`, and to put while it is not set.
        self._closed = False
        self._coroutines: LoopThread | None = None
        self._crews = Crews()
        self._workers = ThreadPoolExecutor(BACKGROUND_THREADS, thread_name_prefix="actorstream-background")
        self._thread = threading.Thread(target=self._main, name="actorstream", daemon=True)
        self._thread.start()
        self._running: tuple[Cell, float] | None = None  # Whose turn it is, and since when: left for other threads.
        self._glance = Glance(lambda: int(self.loop.time() * 1e6))
        self._reporter = HangReporter(self.busy, self._cell, self.thread_id) if report_hangs else None

    @property
    def thread_id(self) -> int:
        """The identifier of the thread on which handlers run."""
        return self._thread.ident or 0

    def busy(self) -> Busy | None:
        """What handler runs now, and for how long; None if the loop waits. For one other thread, often."""
        running = self._running
        return self._glance.busy((running[0], int(running[1] * 1e6)) if running is not None else None)

    @property
    def hung(self) -> Cell | None:
        """See `Scheduler`."""
        hung = self._reporter.hung if self._reporter is not None else None
        return hung if hung is self._cell() else None

    def _cell(self) -> Cell | None:
        running = self._running
        return running[0] if running is not None else None

    def admit(self, cell: Cell) -> bool:
        """See `Scheduler`."""
        return True

    def ready(self, cell: Cell) -> None:
        """See `Scheduler`."""
        self._queue.append(cell)
        if not self._turning and not self._closed:
            self._turning = True
            self.loop.call_soon(self._turn)

    def after(self, delay_us: int, fire: Callable[[], None]) -> Timer:
        """See `Scheduler`."""
        if not delay_us:
            return self.loop.call_soon(fire)
        return self.loop.call_later(delay_us / 1e6, fire)

    def background(self, work: Callable[[], Any], finished: Finished) -> None:
        """See `Scheduler`."""

        def run() -> None:
            try:
                result = work()
            except BaseException as error:  # This thread has no other use for it.
                self._put(partial(finished, None, error))
            else:
                self._put(partial(finished, result, None))

        self._workers.submit(run)

    def crew(self, function: Function, hands: int, waits_us: Sequence[int], finished: Ended) -> Crew:
        """See `Scheduler`; the loop's thread begins with the first crew."""
        if self._coroutines is None:
            self._coroutines = LoopThread()
        loop = self._coroutines.loop
        return self._crews.add(
            Crew(loop, function, hands, waits_us, lambda outcomes: self._put(partial(finished, outcomes)))
        )

    def call(self, function: Callable[[], T]) -> T:
        """See `Scheduler`."""
        if self.is_own_thread or not self._thread.is_alive():
            return function()
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except FAILURES as error:
                future.set_exception(error)

        self.post(run)
        return future.result(STOP_SECONDS)

    def post(self, function: Callable[[], None]) -> None:
        """See `Scheduler`.

        Raises:
            MailboxFull: too many calls wait.
            ActorTerminated: the system has stopped.
        """
        if self.is_own_thread:
            function()
            return
        with self._closing:
            if self._closed:
                raise ActorTerminated("the actor system has stopped")
            if len(self._inbox) >= INBOX_MAX:
                raise MailboxFull(f"{INBOX_MAX} calls from other threads wait already")
            self._put(function)

    def wait(self, future: Future[T], timeout_us: int) -> T:
        """See `Scheduler`."""
        if self.is_own_thread:
            raise RuntimeError("an actor cannot wait for an answer; send a message, and handle the answer")
        return future.result(timeout_us / 1e6)

    def close(self) -> None:
        """See `Scheduler`; waits for the threads, but not for ever."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        if self._reporter is not None:
            self._reporter.close()
        if self._coroutines is not None:
            self._crews.cancel()
            self._coroutines.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(STOP_SECONDS)
        self._workers.shutdown(wait=True, cancel_futures=True)
        self._drain_inbox()  # Whoever called just before is told that it was too late.

    @property
    def is_own_thread(self) -> bool:
        """Whether the caller is the system's own thread."""
        return threading.get_ident() == self._thread.ident

    def _main(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            self.loop.run_until_complete(_cancel_tasks())
        finally:
            self.loop.close()

    def _put(self, function: Callable[[], None]) -> None:
        self._inbox.append(function)
        if not self._inbox_due:
            self._inbox_due = True
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody is left to be told.
                self.loop.call_soon_threadsafe(self._drain_inbox)

    def _drain_inbox(self) -> None:
        self._inbox_due = False  # First: whoever appends from now on calls again.
        inbox = self._inbox
        while inbox:
            inbox.popleft()()

    def _turn(self) -> None:
        queue = self._queue
        now = self.loop.time
        end = now() + SLICE_SECONDS
        time = now()
        while queue and time < end:
            cell = queue.popleft()
            self._running = (cell, time)
            if cell.run(self._batch):
                queue.append(cell)
            before, time = time, now()
            self._batch = min(BATCH_MESSAGES, 2 * self._batch) if time - before < SLICE_SECONDS / 8 else 1
        self._running = None
        self._turning = bool(queue)
        if queue:
            self.loop.call_soon(self._turn)


async def _cancel_tasks() -> None:
    """End what others run on the loop."""
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
