"""What generators yield, taken some values at a time, with an eye on the clock.

Guarantees: every value once, in order; an exception of the generator comes out after the values before it, and again at
each further call. Leaves to others: what the values mean (`sources`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from actorstream.host import Clock

READ_US_MAX = 1_000
"""How long one read of a generator goes on taking values, in microseconds."""


class Patience:
    """How long a read goes on, by the clock that it was given; a clock that stands still has no end of it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_us = clock.monotonic_us() + READ_US_MAX

    def left_us(self) -> int:
        """What is left of it, in microseconds."""
        return self._until_us - self._clock.monotonic_us()


class Taken(Protocol):
    """Values that come some at a time."""

    def take(self, limit: int, patience: Patience) -> list[Any] | None:
        """Up to `limit` values; None once there are no more."""
        ...

    def close(self) -> None:
        """Close the generator: its `finally` blocks run."""
        ...


class Iterated:
    """A sync generator's values; `take` waits for the first."""

    def __init__(self, values: Generator[Any, Any, Any]) -> None:
        self._values = values
        self._raised: Exception | None = None

    def take(self, limit: int, patience: Patience) -> list[Any] | None:
        """Up to `limit` values; None once there are no more."""
        if self._raised is not None:
            raise self._raised
        taken: list[Any] = []
        try:
            for value in self._values:
                taken.append(value)
                if len(taken) >= limit or patience.left_us() <= 0:
                    break
        except Exception as error:
            self._raised = error
            if not taken:
                raise
        return taken or None

    def close(self) -> None:
        """Close the generator."""
        self._values.close()


class Awaited:
    """An async generator's values; `take` returns an empty list when there is none within its patience.

    A task takes them, on a loop of its own that stands still between calls. asyncio refuses to run a loop inside a
    running one, so there the loop runs in a thread that `take` waits for.
    """

    def __init__(self, values: AsyncGenerator[Any, Any]) -> None:
        self._values = values
        self._runner = asyncio.Runner()
        self._thread: ThreadPoolExecutor | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready: deque[Any] = deque()
        self._limit = 0
        self._room, self._enough = asyncio.Event(), asyncio.Event()

    def take(self, limit: int, patience: Patience) -> list[Any] | None:
        """Up to `limit` values; None once there are no more."""
        self._limit = limit
        if len(self._ready) < limit and not self._has_ended():
            self._run(self._wait(patience))
        if self._ready:
            return [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]
        if self._task is not None and self._task.done():
            self._task.result()  # It raises what the generator raised.
            return None
        return []

    def _has_ended(self) -> bool:
        return self._task is not None and self._task.done()

    async def _wait(self, patience: Patience) -> None:
        """Until there are enough values, or the generator ends, or patience does."""
        self._enough.clear()
        self._room.set()
        pump = self._task = self._task or asyncio.ensure_future(self._pump())
        enough = asyncio.ensure_future(self._enough.wait())
        while not (enough.done() or pump.done()) and (left_us := patience.left_us()) > 0:
            await asyncio.wait({enough, pump}, timeout=left_us / 1e6, return_when=asyncio.FIRST_COMPLETED)
        enough.cancel()

    async def _pump(self) -> None:
        async for value in self._values:
            self._ready.append(value)
            while len(self._ready) >= self._limit:
                self._room.clear()
                self._enough.set()
                await self._room.wait()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        if not _is_in_a_loop():
            self._runner.run(work)
            return
        self._thread = self._thread or ThreadPoolExecutor(max_workers=1, thread_name_prefix="generator")
        self._thread.submit(self._runner.run, work).result()

    def close(self) -> None:
        """Cancel what the generator waits for, and close it."""
        self._run(self._end())
        if self._thread is None:
            self._runner.close()
        else:
            self._thread.submit(self._runner.close).result()
            self._thread.shutdown()

    async def _end(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._values.aclose()


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
