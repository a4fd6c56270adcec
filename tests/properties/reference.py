"""Windows and timers as the contract tells them, record by record, with nothing shared and nothing clever.

> Each record first moves its partition's watermark to (the latest event time seen there, itself included) - max_delay.
> Windows and timers due by then fire, in order of time, then the record is processed. Only windows treat a record as
> late, by its own partition's watermark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from actorstream.model.identity import encode

FOREVER = 10**18


class Given(NamedTuple):
    """A record: its key, its time in seconds, what it holds."""

    key: str
    second: int
    value: int


class Result(NamedTuple):
    """What a window gives: its values in order of event time, those of one time in order of arrival."""

    key: str
    start: int
    values: tuple[int, ...]


@dataclass
class Windows:
    """Windows of `size` seconds that begin every `every` seconds."""

    size: int
    every: int
    delay: int = 0
    lateness: int = 0
    emit: str = "close"
    results: list[Result] = field(default_factory=list)
    late: list[Given] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.latest: dict[int, int] = {}
        self.merged = -FOREVER
        self.contents: dict[tuple[int, str], list[tuple[int, int, int]]] = {}  # (start, key) → (second, place, value)
        self.fired: set[tuple[int, str]] = set()

    def run(self, records: Iterable[tuple[int, Given]], partitions: Sequence[int]) -> Windows:
        """All records, each with its partition, in the order in which they come; then the end."""
        for place, (partition, record) in enumerate(records):
            self.latest[partition] = max(self.latest.get(partition, -FOREVER), record.second)
            own = self.latest[partition] - self.delay
            self._fire(min(self.latest.get(one, -FOREVER) - self.delay for one in partitions))
            self._take(record, place, own)
        self._fire(FOREVER)
        return self

    def _take(self, record: Given, place: int, own: int) -> None:
        open_starts = [start for start in self.starts(record.second) if start + self.size + self.lateness > own]
        if not open_starts:
            self.late.append(record)
        for start in open_starts:
            window = start, record.key
            self.contents.setdefault(window, []).append((record.second, place, record.value))
            is_due = start + self.size <= self.merged  # It has fired, if perhaps with nothing in it.
            if is_due:
                self.fired.add(window)
            if is_due or self.emit == "change":
                self._emit(window)

    def starts(self, second: int) -> list[int]:
        """Where the windows begin that hold a second: all multiples of `every` in (second - size, second]."""
        return [start for start in range(second - self.size + 1, second + 1) if start % self.every == 0]

    def _fire(self, watermark: int) -> None:
        self.merged = max(self.merged, watermark)
        due = [window for window in self.contents if window not in self.fired and window[0] + self.size <= self.merged]
        for window in sorted(due, key=lambda one: (one[0], encode(one[1]))):
            self.fired.add(window)
            if self.emit == "close":
                self._emit(window)

    def _emit(self, window: tuple[int, str]) -> None:
        start, key = window
        self.results.append(Result(key, start, tuple(value for _, _, value in sorted(self.contents[window]))))


@dataclass
class Timers:
    """An operator whose every record sets one timer, `wait` seconds after its own time (or before)."""

    delay: int = 0
    happened: list[tuple[str, str, int]] = field(default_factory=list)  # ("record" or "timer", key, value or second)

    def run(self, records: Iterable[tuple[Given, int]]) -> Timers:
        """All records of one partition, each with its wait; then the end."""
        waiting: list[tuple[int, int, str]] = []  # (second, order of setting, key)
        latest, order = -FOREVER, 0
        for record, wait in records:
            latest = max(latest, record.second)
            waiting = self._fire(waiting, latest - self.delay)
            self.happened.append(("record", record.key, record.value))
            if (record.second + wait, record.key) not in {(second, key) for second, _, key in waiting}:
                order += 1
                waiting.append((record.second + wait, order, record.key))
            waiting = self._fire(waiting, latest - self.delay)
        self._fire(waiting, FOREVER)
        return self

    def _fire(self, waiting: list[tuple[int, int, str]], watermark: int) -> list[tuple[int, int, str]]:
        for second, _, key in sorted(waiting):
            if second <= watermark:
                self.happened.append(("timer", key, second))
        return [one for one in waiting if one[0] > watermark]


class Bounded(NamedTuple):
    """What a window gives, with its end: for windows whose bounds depend on the records."""

    key: str
    start: int
    end: int
    values: tuple[int, ...]


class Turn(NamedTuple):
    """A record with what decides its place: its split's mark, its own time, where it was read."""

    own: int
    second: int
    partition: int
    place: int
    record: Given


def turns_of(records: Iterable[tuple[int, Given]], delay: int) -> list[Turn]:
    """All records, in the order of the marks of their own partitions."""
    latest: dict[int, int] = {}
    found = []
    for place, (partition, record) in enumerate(records):
        latest[partition] = max(latest.get(partition, -FOREVER), record.second)
        found.append(Turn(latest[partition] - delay, record.second, partition, place, record))
    return sorted(found, key=lambda one: one.own)


@dataclass
class Session:
    """Records of a key without a silence among them."""

    key: str
    start: int
    end: int
    held: list[tuple[int, int, int, int]]  # (second, partition, place, value)
    fired: bool = False

    def result(self) -> Bounded:
        """What it gives."""
        return Bounded(self.key, self.start, self.end, tuple(one[3] for one in sorted(self.held)))


@dataclass
class Sessions:
    """Sessions that end after `gap` seconds of silence."""

    gap: int
    delay: int = 0
    lateness: int = 0
    emit: str = "close"
    results: list[Bounded] = field(default_factory=list)
    late: list[Given] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)

    def run(self, records: Iterable[tuple[int, Given]]) -> Sessions:
        """All records, each with its partition; then the end."""
        for turn in turns_of(records, self.delay):
            self._fire(turn.own)
            if turn.second + self.gap + self.lateness <= turn.own:
                self.late.append(turn.record)
            else:
                self._take(turn)
        self._fire(FOREVER)
        return self

    def _take(self, turn: Turn) -> None:
        key = turn.record.key
        held = [(turn.second, turn.partition, turn.place, turn.record.value)]
        joined = Session(key, turn.second, turn.second + self.gap, held)
        for other in list(self.sessions):
            if other.key == key and other.start < joined.end and joined.start < other.end:
                self.sessions.remove(other)
                joined.start, joined.end = min(joined.start, other.start), max(joined.end, other.end)
                joined.held += other.held
        self.sessions.append(joined)
        joined.fired = joined.end <= turn.own
        if joined.fired or self.emit == "change":
            self.results.append(joined.result())

    def _fire(self, watermark: int) -> None:
        due = [one for one in self.sessions if not one.fired and one.end <= watermark]
        for one in sorted(due, key=lambda one: (one.end, encode(one.key))):
            one.fired = True
            if self.emit == "close":
                self.results.append(one.result())
        self.sessions = [one for one in self.sessions if not one.fired or one.end + self.lateness > watermark]


@dataclass
class Rows:
    """Windows of `count` records of a key."""

    count: int
    delay: int = 0
    emit: str = "close"
    results: list[Bounded] = field(default_factory=list)

    def run(self, records: Iterable[tuple[int, Given]]) -> Rows:
        """All records, each with its partition; then the end."""
        held: dict[str, list[Turn]] = {}
        for turn in sorted(turns_of(records, self.delay), key=lambda one: (max(one.own, one.second), one[1:4])):
            window = held.setdefault(turn.record.key, [])
            window.append(turn)
            if len(window) == self.count or self.emit == "change":
                self._emit(window)
            if len(window) == self.count:
                del held[turn.record.key]
        if self.emit == "close":
            for window in sorted(
                held.values(), key=lambda one: (max(t.second for t in one), encode(one[0].record.key))
            ):
                self._emit(window)
        return self

    def _emit(self, window: list[Turn]) -> None:
        ordered = sorted(window, key=lambda one: one[1:4])
        key, values = ordered[0].record.key, tuple(one.record.value for one in ordered)
        self.results.append(Bounded(key, ordered[0].second, ordered[-1].second, values))
