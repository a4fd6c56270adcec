"""What a loop's thread is doing, seen from another thread; and a thread that reports handlers that hang.

Guarantees: a handler that runs longer than its actor's `hang_after` is reported once, with its stack. Nothing is asked
of the loop, which only leaves word of what it runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from actorstream.actors.cell import Cell
from actorstream.actors.engine.lifeline import stack_of
from actorstream.actors.engine.watchdog import LOOK_SECONDS, Busy, Verdict, Watchdog
from actorstream.actors.message import Message
from actorstream.actors.observing import kind_of
from actorstream.host.logs import logger

NEVER_US = 1 << 62


class Glance:
    """Looks at what runs; remembers since when. For one thread.

    A turn handles several messages, and a message is known by its identity only, so that what was looked at twice may
    have begun anew in between: then it is the same turn, which is short unless one of its handlers is long.
    """

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._looked_us = now_us()
        self._since_us = 0
        self._seen: tuple[Cell, Message, int] | None = None

    def busy(self, running: tuple[Cell, int] | None) -> Busy | None:
        """What to say of the turn of a cell that began at a time, in microseconds; None if nothing is handled."""
        now_us, looked_us = self._now_us(), self._looked_us
        self._looked_us = now_us
        message = running[0].handling if running is not None else None
        if running is None or message is None:
            self._seen = None
            return None
        cell, began_us = running
        if self._seen is None or self._seen[1] is not message or self._seen[::2] != (cell, began_us):
            self._seen = (cell, message, began_us)
            self._since_us = max(began_us, looked_us)  # It was not there when somebody looked before.
        return Busy(cell.path, kind_of(message), now_us - self._since_us, cell.spec.hang_after_us or None)


class HangReporter:
    """The thread; see the module.

    Args:
        look: what handler runs now.
        running: the cell whose turn it is.
        thread_id: of the thread that is looked at.

    Attributes:
        hung: whose handler hangs.
    """

    def __init__(self, look: Callable[[], Busy | None], running: Callable[[], Cell | None], thread_id: int) -> None:
        self.hung: Cell | None = None
        self._look = look
        self._running = running
        self._thread_id = thread_id
        self._watchdog = Watchdog(report_us=NEVER_US, may_end=False)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="actorstream-watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            busy = self._look()
            if self._watchdog.look(busy) is Verdict.REPORT and busy is not None:
                self.hung = self._running()
                facts = {"actor": busy.path, "message": busy.handler, "seconds": busy.seconds}
                logger().error("handler hangs", **facts, stack=stack_of(self._thread_id))
            elif self.hung is not None and self.hung is not self._running():
                self.hung = None
