"""How matches of a pattern are found, record by record: a small automaton over the records of one key.

Theory of operation. Every record that fits the first step begins a *run*. A run holds *threads*: ways in which what
came since may be the beginning of a match. A thread is a place in the pattern (which step took the last record, how
often, and which step it waits for) and a path: the records that it took, and as what. At a record each thread splits
into those that take it and the one that leaves it out; a thread that waits for a record directly after the last one,
or for which the record is excluded, may not leave it out. What may follow depends on a thread's place alone, so of two
threads of a run at the same place only one is kept, and a run never has more threads than the pattern has places.

Of two paths the better one is that which took a record earlier, or, where both took the same record, took it for the
earlier step. So, of all sequences that begin with a run's first record and are as the pattern says, a run finds one
that ends first, and among those the one of the best path.

Records come in order of event time; whoever calls keeps that. Nothing here knows of values, only of their numbers
within the key and of bits: for each condition of the pattern, whether the record fits.

Source: Thompson, "Regular expression search algorithm" (CACM 11(6), 1968), with Pike's way of following what each
thread has matched; Wu, Diao, Rizvi, "High-performance complex event processing over streams" (SIGMOD 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from actorstream.model.instant import Instant
from actorstream.streams.pattern import CONDITIONS_MAX, Pattern, Step

Taken = tuple[int, int]  # (number of a record, the step that took it)
Path = list[Taken]
Place = tuple[int, int, int]  # (step that took the last record, how often, step that is waited for)

BEGINS = 1
"""The bit of a record that fits the first step."""

ANY = 1 << CONDITIONS_MAX
"""A bit that all records have, if it matters where there was one: see `Automaton.common`."""

_NEVER: Taken = (1 << 62, 0)  # Stands for what a path takes next: later than whatever another took already.


class Thread(msgspec.Struct, array_like=True):
    """One way in which a match may have begun: its `Place`, and its path."""

    last: int
    count: int
    awaited: int
    path: Path


class Run(msgspec.Struct, array_like=True):
    """All threads that began with one record: its number within the key, and its time.

    `concern`: the bits of what changes any of them.
    """

    first: int
    start: Instant
    concern: int
    threads: list[Thread]


class Partials(msgspec.Struct, array_like=True):
    """The partial matches of one key, those that began first in front.

    `count`: how many records concerned them since the first began; `size`: how many threads there are; `concern`: no
    record without any of these bits changes a thread.
    """

    count: int = 0
    size: int = 0
    concern: int = 0
    runs: list[Run] = []

    def needed(self) -> list[int]:
        """The numbers of the records that they took, in no promised order, some more than once."""
        return [number for run in self.runs for thread in run.threads for number, _ in thread.path]

    def have_taken(self, number: int) -> bool:
        """Whether any of them took this record, which was the last that concerned them."""
        return any(thread.path[-1][0] == number for run in reversed(self.runs) for thread in run.threads)


class Found(NamedTuple):
    """A match: when it began and ended, and the records that it took."""

    start: Instant
    end: Instant
    path: Path


class Automaton:
    """Finds the matches of `pattern`. Keeps nothing itself: what is kept for a key are its `Partials`.

    Args:
        overlap: whether a record may be in several matches. If not, a match ends all others that began at or before
            its last record.
    """

    def __init__(self, pattern: Pattern[object], *, overlap: bool) -> None:
        assert pattern.within_us is not None
        self._steps = pattern.steps
        self._end = len(pattern.steps)
        self._within_us = pattern.within_us
        self._overlap = overlap
        self._excluded = _excluded_bits(pattern.steps)
        self._concern = [
            [self._concerns(last, awaited) for awaited in range(self._end + 1)] for last in range(self._end)
        ]
        self._waits_at_end = bool(pattern.steps[-1].excluded)
        self.common = ANY if any(step.directly or step.in_a_row for step in pattern.steps) else 0
        """The bits of a record that fits nothing: it matters where a step is to come directly after another."""

    def deadline(self, run: Run) -> Instant:
        """The last instant that counts for a run."""
        return run.start + self._within_us

    def take(self, partials: Partials, time: Instant, bits: int) -> list[Found]:
        """The next record of a key: the matches that end with it. One that concerns nothing need not be given."""
        number = partials.count
        partials.count += 1
        found: list[Found] = []
        if bits & partials.concern and self._move_all(partials, number, time, bits, found):
            return found
        if bits & BEGINS:
            self._begin(partials, number, time, found)
        return found

    def _move_all(self, partials: Partials, number: int, time: Instant, bits: int, found: list[Found]) -> bool:
        """Take a record to all runs; gives whether it is used up."""
        left: list[Run] = []
        for run in partials.runs:
            path = self._move(run, number, bits) if bits & run.concern else None
            if path is not None:
                found.append(Found(run.start, time, path))
                if not self._overlap:
                    self._leave(partials, [])  # All began at or before this record, which was its last.
                    return True
            elif run.threads:
                left.append(run)
        self._leave(partials, left)
        return False

    def expire(self, partials: Partials, time: Instant) -> list[Found]:
        """Time has passed `time`: the matches that waited for that; runs whose time is over end."""
        found: list[Found] = []
        left = partials.runs
        while left and self.deadline(left[0]) <= time:
            run = left.pop(0)
            partials.size -= len(run.threads)
            paths = [thread.path for thread in run.threads if thread.awaited == self._end]
            assert len(paths) <= 1  # Only the last step, which is never optional, has the end behind it.
            for path in paths:
                found.append(Found(run.start, self.deadline(run), path))
                if not self._overlap:
                    self._leave(partials, [one for one in left if one.first > path[-1][0]])
                    left = partials.runs
        return found

    def _leave(self, partials: Partials, runs: list[Run]) -> None:
        partials.runs = runs
        partials.size = partials.concern = 0
        for run in runs:
            partials.size += len(run.threads)
            partials.concern |= run.concern

    def _begin(self, partials: Partials, number: int, time: Instant, found: list[Found]) -> None:
        kept: dict[Place, Path] = {}
        path = self._taken(kept, [(number, 0)], 0, 1)
        if path is not None:
            found.append(Found(time, time, path))
            return
        run = self._keep_threads(Run(number, time, 0, []), kept)
        partials.runs.append(run)
        partials.size += len(run.threads)
        partials.concern |= run.concern

    def _keep_threads(self, run: Run, kept: dict[Place, Path]) -> Run:
        run.threads = [Thread(*place, path) for place, path in kept.items()]
        run.concern = 0
        for last, _, awaited in kept:
            run.concern |= self._concern[last][awaited]
        return run

    def _move(self, run: Run, number: int, bits: int) -> Path | None:
        """Take a record to all threads of a run; gives the path of the match that it completes, the best of them."""
        kept: dict[Place, Path] = {}
        complete: list[Path] = []
        for thread in run.threads:
            last, count, awaited = thread.last, thread.count, thread.awaited
            if awaited < self._end and bits >> awaited & 1:
                path = self._taken(
                    kept, [*thread.path, (number, awaited)], awaited, count + 1 if awaited == last else 1
                )
                if path is not None:
                    complete.append(path)
            if self._may_leave_out(last, awaited, bits):
                _keep(kept, (last, count, awaited), thread.path)
        if complete:
            return min(complete, key=_rank)
        self._keep_threads(run, kept)
        return None

    def _may_leave_out(self, last: int, awaited: int, bits: int) -> bool:
        """Whether a record may come between the last one taken and the one that is waited for."""
        if awaited == last:
            return not self._steps[last].in_a_row
        if awaited < self._end and self._steps[awaited].directly:
            return False
        return not bits & self._excluded[last][awaited]

    def _concerns(self, last: int, awaited: int) -> int:
        """The bits of a record that changes a thread at such a place: what it takes, and what may not be left out."""
        if awaited == self._end:
            return self._excluded[last][awaited]
        directly = self._steps[awaited].in_a_row if awaited == last else self._steps[awaited].directly
        return self._excluded[last][awaited] | 1 << awaited | (ANY if directly else 0)

    def _taken(self, kept: dict[Place, Path], path: Path, step: int, count: int) -> Path | None:
        """Step `step` has taken its `count`th record: keep what may come next; gives the path if nothing need."""
        taken = self._steps[step]
        if taken.most is None or count < taken.most:
            counted = min(count, taken.least) if taken.most is None else count  # What is enough need not be counted.
            _keep(kept, (step, counted, step), path)
        if count < taken.least:
            return None
        for awaited in range(step + 1, self._end):
            _keep(kept, (step, 0, awaited), path)
            if not self._steps[awaited].optional:
                return None
        if not self._waits_at_end:
            return path
        _keep(kept, (step, 0, self._end), path)
        return None


def _keep(kept: dict[Place, Path], place: Place, path: Path) -> None:
    known = kept.get(place)
    if known is None or _rank(path) < _rank(known):
        kept[place] = path


def _rank(path: Path) -> Path:
    """Orders paths, the best first. One that goes on where another ends took something earlier than that will."""
    return [*path, _NEVER]


def _excluded_bits(steps: Sequence[Step]) -> list[list[int]]:
    """For each step and each that may be waited for after it, the bits of what must not come between."""
    counts = [len(step.excluded) for step in steps]
    after = []
    bit = len(steps)
    for count in counts:
        after.append(((1 << count) - 1) << bit)
        bit += count
    return [
        [sum(after[last:awaited]) if awaited > last else 0 for awaited in range(len(steps) + 1)]
        for last in range(len(steps))
    ]
