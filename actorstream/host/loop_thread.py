"""A loop for coroutines of users, in a thread of its own: whatever they do there, actors go on."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

CANCEL_SECONDS = 5.0
"""How long coroutines that are cancelled may take to end, when their loop closes."""

CLOSE_SECONDS = 10.0
"""How long all of that may take; a call that blocks the loop, or a thread, is then left behind."""

EXECUTOR_THREADS = 32
"""Threads that coroutines may use at a time (`asyncio.to_thread`)."""


class LoopThread:
    """See the module. `loop` is for `call_soon_threadsafe`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._threads = ThreadPoolExecutor(EXECUTOR_THREADS, thread_name_prefix="actorstream-coroutines")
        self.loop.set_default_executor(self._threads)
        self._thread = threading.Thread(target=self._main, name="actorstream-coroutines", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Cancel what runs, wait for it, and end the thread; but not for ever."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(CLOSE_SECONDS)

    def _main(self) -> None:
        try:
            self.loop.run_forever()
            self.loop.run_until_complete(_cancel_all())
            self.loop.set_exception_handler(_say_nothing)  # What does not end now was given up.
        finally:
            self._threads.shutdown(wait=True, cancel_futures=True)
            self.loop.close()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        if not task.cancelling():  # Twice would break off its tidying up.
            task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
    await asyncio.get_running_loop().shutdown_asyncgens()


def _say_nothing(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """For what ends after it was given up."""
