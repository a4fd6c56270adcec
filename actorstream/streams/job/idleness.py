"""When a silent split stops holding back time. Pure.

Only a split that was read to its end can be silent; the clock runs from the last record that came, and stands while the
split is not being asked. How long a silence must last is given, or learned: ten times the split's usual pause between
arrivals, within bounds. Once all splits are idle their watermarks go on with the time that passes.
"""

from __future__ import annotations

from actorstream.model.instant import START_OF_TIME, Instant

LEARNED_MIN_US = 1_000_000
LEARNED_MAX_US = 60_000_000
_TIMES_THE_PAUSE = 10
_WEIGHT = 8  # Of the old average against a new pause.


class Idleness:
    """See the module. `since`: when the split was declared idle, or None."""

    def __init__(self, idle_us: int | None) -> None:
        self._given_us = idle_us
        self._pause_us = 0.0
        self.begin()

    def begin(self) -> None:
        """An epoch begins: what the pause was before tells nothing about silence."""
        self.since: Instant | None = None
        self._last: Instant | None = None
        self._ended_idle = False

    def arrived(self, now: Instant) -> None:
        """Records came."""
        if self._last is not None and self.since is None:
            pause = now - self._last
            self._pause_us += (pause - self._pause_us) / _WEIGHT
        self._ended_idle = self.since is not None
        self.since = None
        self._last = now

    def is_idle(self, now: Instant) -> bool:
        """Whether the silence has lasted long enough; asked when nothing came."""
        if self._last is None:
            self._last = now
        if self.since is None and now - self._last >= self.patience_us():
            self.since = now
        self._now = now
        return self.since is not None

    def asked_again(self, now: Instant) -> None:
        """The split was not asked for a while: what passed meanwhile was no silence of its own."""
        if self.since is None:
            self._last = now

    def wait_us(self, now: Instant) -> int:
        """How much longer a silence must last."""
        return self.patience_us() if self._last is None else max(self._last + self.patience_us() - now, 0)

    def patience_us(self) -> int:
        """How long a silence must last."""
        if self._given_us is not None:
            return self._given_us
        return int(min(max(self._pause_us * _TIMES_THE_PAUSE, LEARNED_MIN_US), LEARNED_MAX_US))

    def watermark(self, own: Instant) -> Instant:
        """The watermark of the idle split: its own, and the time that has passed since."""
        if self.since is None or own == START_OF_TIME:
            return own
        return own + (self._now - self.since)

    def was_idle(self) -> bool:
        """Whether the split has just come back; said once."""
        ended, self._ended_idle = self._ended_idle, False
        return ended
