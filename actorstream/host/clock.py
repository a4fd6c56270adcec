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


class SkewedClock:
    """One node's view of a clock that it shares: its wall time may be wrong, its monotonic time never is.

    Example:
        >>> shared = VirtualClock(1_000_000)
        >>> clock = SkewedClock(shared)
        >>> clock.jump(-400_000)
        >>> clock.now_us(), shared.now_us()
        (600000, 1000000)
    """

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._skew_us = 0

    def now_us(self) -> Instant:
        return self._base.now_us() + self._skew_us

    def monotonic_us(self) -> int:
        return self._base.monotonic_us()

    def jump(self, us: int) -> None:
        """Set the wall time forward by so many microseconds, or back, if it is negative."""
        self._skew_us += us
