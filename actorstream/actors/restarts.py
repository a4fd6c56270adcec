"""How often something may restart, and after which pause. Pure: time and chance are given."""

from __future__ import annotations

from collections import deque

from actorstream.actors.specification import Backoff, Intensity
from actorstream.host import Entropy


class Restarts:
    """The restarts of the last while, against an intensity.

    Guarantees: never remembers more than the intensity's bound and one.
    """

    __slots__ = ("_intensity", "_times_us")

    def __init__(self, intensity: Intensity) -> None:
        self._intensity = intensity
        self._times_us: deque[int] = deque()

    def allow(self, now_us: int) -> bool:
        """Count one restart; False if that is one too many."""
        times = self._times_us
        times.append(now_us)
        while times and times[0] <= now_us - self._intensity.within_us:
            times.popleft()
        return len(times) <= self._intensity.restarts


class Pauses:
    """The pause before each restart of one child: growing, until it has run for longer than the longest pause."""

    __slots__ = ("_backoff", "_calm_us", "_pause_us")

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._pause_us = backoff.min_us
        self._calm_us = 0  # From then on the child counts as healthy again.

    def next_us(self, now_us: int, entropy: Entropy) -> int:
        """How long to wait from now on."""
        backoff = self._backoff
        if now_us >= self._calm_us:
            self._pause_us = backoff.min_us
        pause_us = self._pause_us
        self._pause_us = min(backoff.max_us, int(pause_us * backoff.factor))
        self._calm_us = now_us + pause_us + 2 * backoff.max_us
        return pause_us - int(pause_us * backoff.jitter * entropy.uniform())
