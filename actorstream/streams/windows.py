"""How event time is cut into windows, and what a window's function is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import gcd
from typing import Generic, TypeVar

from actorstream.errors import PlanError
from actorstream.model.duration import duration_us, show_us
from actorstream.model.instant import Instant, to_datetime

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """Windows of `size_us` that begin every `every_us`, aligned to 1970-01-01 UTC, half-open.

    Windows that overlap share panes: stretches of `pane_us` out of which each window is put together, so that a
    record is kept once, not once a window.

    Source: Li et al., "No pane, no gain" (SIGMOD Record 34(1), 2005).
    """

    size_us: int
    every_us: int
    pane_us: int = field(init=False)  # the longest stretch of which both the size and the step are multiples

    def __post_init__(self) -> None:
        object.__setattr__(self, "pane_us", gcd(self.size_us, self.every_us))

    def pane_of(self, time: Instant) -> Instant:
        """Where the pane that holds `time` begins."""
        return time - time % self.pane_us

    def first_end(self, pane: Instant) -> Instant:
        """The end of the earliest window that holds this pane."""
        last_instant = pane + self.pane_us - 1
        start = last_instant - self.size_us + 1  # No window that begins before this one reaches the pane's end.
        return -(-start // self.every_us) * self.every_us + self.size_us

    def last_end(self, pane: Instant) -> Instant:
        """The end of the latest window that holds this pane."""
        return pane - pane % self.every_us + self.size_us

    def ends(self, pane: Instant) -> range:
        """The ends of all windows that hold this pane, in order."""
        return range(self.first_end(pane), self.last_end(pane) + 1, self.every_us)

    def number_of(self, pane: Instant, end: Instant) -> int:
        """Which of the windows that hold this pane ends at `end`: 0 is the earliest."""
        return (end - self.first_end(pane)) // self.every_us

    def first_after(self, pane: Instant, limit: Instant) -> int | None:
        """The number of the earliest window of this pane that ends after `limit`; None if none does."""
        if self.last_end(pane) <= limit:
            return None
        return max((limit - self.first_end(pane)) // self.every_us + 1, 0)

    def panes(self, end: Instant) -> range:
        """The panes of the window that ends at `end`."""
        return range(end - self.size_us, end, self.pane_us)

    def __str__(self) -> str:
        if self.size_us == self.every_us:
            return f"tumbling({show_us(self.size_us)})"
        return f"sliding({show_us(self.size_us)}, every={show_us(self.every_us)})"


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """Records of a key that follow each other by less than `gap_us`; the window ends that long after the last."""

    gap_us: int

    def __str__(self) -> str:
        return f"session({show_us(self.gap_us)})"


@dataclass(frozen=True, slots=True)
class RowsSpec:
    """Each `count` records of a key, in order of event time."""

    count: int

    def __str__(self) -> str:
        return f"rows({self.count})"


Windowing = WindowSpec | SessionSpec | RowsSpec
"""What `keyed.window` takes."""


def tumbling(size: str | timedelta) -> WindowSpec:
    """Windows of `size`, one after the other.

    Raises:
        ValueError: not a positive duration.

    Example:
        >>> str(tumbling("10s"))
        'tumbling(10s)'
    """
    size_us = duration_us(size, what="the size of a tumbling window")
    return WindowSpec(size_us, size_us)


def sliding(size: str | timedelta, every: str | timedelta) -> WindowSpec:
    """Windows of `size` that begin every `every`; they overlap.

    Raises:
        ValueError: not positive durations, or `every` longer than `size` (records would fall between windows).

    Example:
        >>> str(sliding("6h", every="1h"))
        'sliding(6h, every=1h)'
    """
    size_us = duration_us(size, what="the size of a sliding window")
    every_us = duration_us(every, what="the step of a sliding window")
    if every_us > size_us:
        raise PlanError(
            f"sliding({show_us(size_us)}, every={show_us(every_us)}): the step is longer than the window, so records "
            "would fall between windows; make `every` at most the size"
        )
    return WindowSpec(size_us, every_us)


def session(gap: str | timedelta) -> SessionSpec:
    """Windows of activity: each lasts until a key has been silent for `gap`.

    A silence of exactly the gap parts two sessions. A session's `start` is the time of its first record, its `end` that
    of its last and the gap.

    Raises:
        ValueError: not a positive duration.

    Example:
        >>> from datetime import datetime, timedelta, UTC
        >>> from actorstream import App, agg, session
        >>> app = App("doc")
        >>> start = datetime(2024, 1, 1, tzinfo=UTC)
        >>> seconds = app.stream([0, 4, 13, 25], event_time=lambda s: start + timedelta(seconds=s))
        >>> visits = seconds.key_by(lambda s: "all", name="who").window(session("10s"))
        >>> found = app.collect(visits.aggregate(n=agg.count()))
        >>> [(row.start.second, row.end.second, row.n) for row in found]
        [(0, 23, 3), (25, 35, 1)]
    """
    return SessionSpec(duration_us(gap, what="the gap of a session"))


def rows(count: int) -> RowsSpec:
    """Windows of `count` records of a key, in order of event time; what is left at the end of the input is one, too.

    A window's `start` is the time of its first record, its `end` that of its last and 1 µs. No record is late: one that
    comes after its time has passed counts where it comes.

    Raises:
        PlanError: not a whole number, or less than 1.

    Example:
        >>> from datetime import datetime, timedelta, UTC
        >>> from actorstream import App, agg, rows
        >>> app = App("doc")
        >>> start = datetime(2024, 1, 1, tzinfo=UTC)
        >>> seconds = app.stream([0, 4, 13, 25, 26], event_time=lambda s: start + timedelta(seconds=s))
        >>> pairs = seconds.key_by(lambda s: "all", name="who").window(rows(2))
        >>> app.collect(pairs.apply(list, name="pairs"))
        [[0, 4], [13, 25], [26]]
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise PlanError(f"rows({count!r}): give the number of records of a window, at least 1: rows(100)")
    return RowsSpec(count)


class Window(Generic[K, V]):
    """The records of one key in one window, for a function that needs them all.

    `key`, `start` and `end` (aware datetimes; half-open); iterates values in order of event time; has a length.
    """

    __slots__ = ("_values", "end", "key", "start")

    def __init__(self, key: K, start: datetime, end: datetime, values: Sequence[V]) -> None:
        self.key = key
        self.start = start
        self.end = end
        self._values = values

    @classmethod
    def of(cls, key: K, start: Instant, end: Instant, values: Sequence[V]) -> Window[K, V]:
        """From instants."""
        return cls(key, to_datetime(start), to_datetime(end), values)

    def __iter__(self) -> Iterator[V]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Window(key={self.key!r}, start={self.start}, end={self.end}, {len(self)} values)"
