"""What time it is: the machine's clock, or a simulation's."""

from __future__ import annotations

import time
from typing import Protocol

from actorstream.model.instant import Instant


class Clock(Protocol):
    """Wall time for records and people; monotonic time for timeouts and rates."""

    def now_us(self) -> Instant:
        """Wall time, in microseconds since 1970."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds since some moment in the past; never goes back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> Instant:
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000


class VirtualClock:
    """A clock that moves only when it is told to. It starts on 2024-01-01 UTC, so that times look like times."""

    def __init__(self, now_us: Instant = 1_704_067_200_000_000) -> None:
        self._start_us = now_us
        self._now_us = now_us

    def now_us(self) -> Instant:
        return self._now_us

    def monotonic_us(self) -> int:
        return self._now_us - self._start_us

    def advance_to(self, now_us: Instant) -> None:
        """Move to `now_us`; a time in the past changes nothing."""
        self._now_us = max(self._now_us, now_us)
