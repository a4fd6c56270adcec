"""How fast a receiver takes what a channel brings, and the window that follows from it. Pure.

Theory of operation. A barrier waits behind what is on its way before it, so what is on its way should be what the
receiver takes in a short time, the horizon. Only time in which there was something to take counts: the time from
taking a batch to taking the next of the same channel, or to having found nothing more to take. In it lie the work on
the batch, the turns of other channels, and whatever the receiver itself had to wait for. Amounts and times are summed
up, older ones fading, so that the rate is that of about the last `FADES_AFTER_US` of such time; before there is any,
it is supposed that the first window is right.
"""

from __future__ import annotations

from actorstream.actors.flow.amount import FIRST_WINDOW, LEAST_WINDOW, MOST_WINDOW, NOTHING, Amount

HORIZON_US = 50_000
"""A window is at most what is taken in so long."""

FADES_AFTER_US = 200_000
"""Of busy time: after so long a measurement counts for half, or less."""


class Pace:
    """See the module. `horizon_us`: a window is what is taken in so long; `first`: what it is before that is known."""

    def __init__(self, horizon_us: int = HORIZON_US, first: Amount | None = None) -> None:
        assert horizon_us > 0
        self._horizon_us = horizon_us
        self._taken = NOTHING  # What is being worked on.
        self._since: int | None = None
        first = first or FIRST_WINDOW
        self._records, self._bytes = float(first.records), float(first.size_bytes)
        self._busy_us = float(horizon_us)

    def took(self, amount: Amount, now_us: int) -> None:
        """Something was taken for processing."""
        self.rested(now_us)
        self._taken, self._since = amount, now_us

    def rested(self, now_us: int) -> None:
        """Nothing more can be taken now: time that passes from here on says nothing about the receiver."""
        if self._since is not None:
            self._measure(self._taken, now_us - self._since)
            self._since = None

    def window(self) -> Amount:
        """What is taken within the horizon, between the least and the greatest window."""
        share = self._horizon_us / self._busy_us
        return Amount(
            int(min(max(self._records * share, LEAST_WINDOW.records), MOST_WINDOW.records)),
            int(min(max(self._bytes * share, LEAST_WINDOW.size_bytes), MOST_WINDOW.size_bytes)),
        )

    def _measure(self, amount: Amount, took_us: int) -> None:
        took_us = max(took_us, 1)
        kept = FADES_AFTER_US / (FADES_AFTER_US + took_us)
        self._records = self._records * kept + amount.records
        self._bytes = self._bytes * kept + amount.size_bytes
        self._busy_us = self._busy_us * kept + took_us
