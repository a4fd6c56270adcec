"""What belongs to one incarnation of an actor only: messages that the next one must not get, and timers."""

from __future__ import annotations

from collections.abc import Callable

from actorstream.actors.message import Message
from actorstream.actors.scheduler import Scheduler, Timer


class Own(Message):
    """A message for one incarnation: of a timer, of background work, of a watch, or to a pinned ref."""

    incarnation: int
    message: Message
    timer: OwnTimer | None = None


class OwnTimer:
    """The handle of something scheduled."""

    __slots__ = ("_number", "_timer", "_timers", "cancelled")

    def __init__(self, timers: dict[int, OwnTimer], number: int) -> None:
        self._timers = timers
        self._timer: Timer | None = None
        self._number = number
        self.cancelled = False
        timers[number] = self

    def arm(self, timer: Timer) -> None:
        """Remember what to cancel."""
        self._timer = timer

    def forget(self) -> None:
        """It has happened."""
        self._timers.pop(self._number, None)

    def cancel(self) -> None:
        """Let it not happen; if its message waits in the mailbox already, let it not be handled."""
        self.cancelled = True
        self.forget()
        if self._timer is not None:
            self._timer.cancel()


class OwnTimers:
    """The timers of one cell."""

    __slots__ = ("_number", "_timers")

    def __init__(self) -> None:
        self._number = 0
        self._timers: dict[int, OwnTimer] = {}

    def add(self, scheduler: Scheduler, after_us: int, fire: Callable[[OwnTimer], None]) -> OwnTimer:
        """Call `fire` with the handle after so many microseconds."""
        self._number += 1
        timer = OwnTimer(self._timers, self._number)
        timer.arm(scheduler.after(after_us, lambda: fire(timer)))
        return timer

    def keep(self, what: Timer) -> OwnTimer:
        """Cancel this, too, when the incarnation ends."""
        self._number += 1
        timer = OwnTimer(self._timers, self._number)
        timer.arm(what)
        return timer

    def cancel_all(self) -> None:
        """The incarnation ends."""
        for timer in list(self._timers.values()):
            timer.cancel()
