"""Async `map`: what waits for a coroutine, and what comes out when. Pure.

Theory of operation. Values, and what must stay in its place among them (marks, barriers), stand in one line. Values are
handed out to be awaited as they are taken; what became of them is told later, in any order. The line is made of
segments, each of which ends with what must not be overtaken. Only the first segment gives results: where order is kept,
those at its front that have come, else all that have. When its last value is out, what ends it is done, and the next
segment is the first. So a barrier comes out when all before it has, while calls behind it are under way already.

Where order is not kept, each result carries the watermark that was passed on last, as a record may come out that was
not the first of its time; and a mark may join the segment before it, so that single records, each with its mark,
overtake each other too. A segment takes marks in until it has as many values as there may be calls.

Source: the ordered and unordered modes of Apache Flink's async operator, where watermarks are such bounds, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from actorstream.errors import OutsideSimulation
from actorstream.host.crew import Call, Outcome
from actorstream.model.instant import START_OF_TIME, Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import fail
from actorstream.streams.engine.guard import Guard, Now
from actorstream.streams.engine.pausable import PIECE_RECORDS
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.asynchronous import AsyncMap

HELD_MAX = 4_096
"""Values of an async operator that are taken in and not passed on, or twice as many as it may call at a time."""

Action = Callable[[], None]

_MISSING: Any = object()


class _Taken:
    """A batch, and what its values became; `ready`: the places of those that came, where order is not kept."""

    __slots__ = ("batch", "errors", "passed", "ready", "results", "segment", "values")

    def __init__(self, batch: Batch, segment: _Segment) -> None:
        self.batch = batch
        self.segment = segment
        self.values = batch.rows()
        self.results: list[Any] = [_MISSING] * len(batch)
        self.errors: dict[int, BaseException] = {}
        self.passed = 0  # Values that are out.
        self.ready: list[int] = []

    def is_done(self) -> bool:
        return self.passed == len(self.values)


class _Segment:
    """Values that nothing divides, and what comes behind them."""

    __slots__ = ("batches", "count", "left", "ready", "then", "then_is_mark")

    def __init__(self) -> None:
        self.batches: deque[_Taken] = deque()
        self.ready: deque[_Taken] = deque()  # Those with something to give, where order is not kept.
        self.count = 0
        self.left = 0  # Values that are not out.
        self.then: Action | None = None
        self.then_is_mark = False


class AsyncStage(Stage):
    """See the module: the head of a task, into which what comes out is pushed.

    Guarantees: each value comes out once, or is left out by the policy; nothing overtakes what `then` was given.
    Leaves to others: awaiting what `take` hands out, and telling `tell` of it.
    """

    def __init__(self, node: AsyncMap, now: Now) -> None:
        super().__init__(node.name)
        self.node = node
        self._guard = Guard(self, node.name, node.on_error, now)
        self._held_max = max(HELD_MAX, 2 * node.concurrency)
        self.begin(START_OF_TIME)

    def begin(self, watermark: Instant) -> None:
        """An epoch begins: nothing is in the line."""
        self._line: deque[_Segment] = deque()
        self._calling = 0
        self._held = 0
        self.watermark = watermark

    def push(self, batch: Batch) -> None:
        self.emit(batch)

    # --- what goes in ----------------------------------------------------------------------------------------------

    def may_take(self) -> bool:
        """Whether more should be taken: the calls will soon run out, and not too much is held."""
        return self._calling < 2 * self.node.concurrency and self._held < self._held_max

    def take(self, batch: Batch) -> list[Call]:
        """Take a batch in; gives the calls to be made."""
        segment = self._open_segment()
        taken = _Taken(batch, segment)
        if self.node.ordered:
            segment.batches.append(taken)
        segment.count += len(batch)
        segment.left += len(batch)
        self._calling += len(batch)
        self._held += len(batch)
        return [((taken, place), value) for place, value in enumerate(taken.values)]

    def then(self, action: Action) -> None:
        """Do this when all that was taken before is out."""
        self._close_segment(action, is_mark=False)

    def pass_mark(self, watermark: Instant, action: Action) -> None:
        """The same for a mark."""

        def passed() -> None:
            self.watermark = watermark
            action()

        self._close_segment(passed, is_mark=True)

    def _open_segment(self) -> _Segment:
        """The last segment, if values may be added to it."""
        if self._line:
            last = self._line[-1]
            if last.then is None or (
                last.then_is_mark and not self.node.ordered and last.left > 0 and last.count < self.node.concurrency
            ):
                return last
        self._line.append(_Segment())
        return self._line[-1]

    def _close_segment(self, action: Action, *, is_mark: bool) -> None:
        last = self._line[-1] if self._line else None
        if last is None or (last.then is not None and not (is_mark and last.then_is_mark)):
            last = _Segment()
            self._line.append(last)
        last.then, last.then_is_mark = action, is_mark  # Of marks behind the same values the last one is enough.

    # --- what comes back -------------------------------------------------------------------------------------------

    def tell(self, outcomes: list[Outcome]) -> None:
        """These calls have ended; what belongs to an earlier epoch is in no line any more."""
        self._calling -= len(outcomes)
        ordered = self.node.ordered
        for (taken, place), result, error in outcomes:
            taken.results[place] = result
            if error is not None:
                taken.errors[place] = error
            if not ordered:
                if not taken.ready:
                    taken.segment.ready.append(taken)
                taken.ready.append(place)

    # --- what comes out --------------------------------------------------------------------------------------------

    def next(self) -> Batch | Action | None:
        """The next that comes out: results, to be pushed into this stage, or what `then` was given; or nothing yet.

        Raises:
            OperatorError: a call failed, and the policy ends the job.
        """
        if not self._line:
            return None
        segment = self._line[0]
        if segment.left:
            return self._in_order(segment) if self.node.ordered else self._as_they_come(segment)
        if segment.then is None:
            return None
        self._line.popleft()
        return segment.then

    def _in_order(self, segment: _Segment) -> Batch | None:
        taken = segment.batches[0]
        start, results = taken.passed, taken.results
        stop, end = start, min(start + PIECE_RECORDS, len(results))
        while stop < end and results[stop] is not _MISSING:
            stop += 1
        if stop == start:
            return None
        if start == 0 and stop == len(results) and not taken.errors:
            made = taken.batch.with_rows(results, self.node.type)
        else:
            places = self._without_failed(taken, range(start, stop))
            made = taken.batch.choose(places, [results[place] for place in places], self.node.type)
        self._passed(segment, taken, stop - start)
        if taken.is_done():
            segment.batches.popleft()
        return made

    def _as_they_come(self, segment: _Segment) -> Batch | None:
        if not segment.ready:
            return None
        taken = segment.ready.popleft()
        ready, taken.ready = taken.ready, []
        places = self._without_failed(taken, ready)
        made = taken.batch.choose(places, [taken.results[place] for place in places], self.node.type)
        if made.marks is not None:
            made.marks = [self.watermark] * len(made)
        self._passed(segment, taken, len(ready))
        return made

    def _passed(self, segment: _Segment, taken: _Taken, count: int) -> None:
        taken.passed += count
        segment.left -= count
        self._held -= count

    def _without_failed(self, taken: _Taken, places: range | list[int]) -> list[int]:
        """Those places of which the calls did not fail; of the others it is done what the policy says."""
        if not taken.errors:
            return list(places)
        kept = []
        for place in places:
            error = taken.errors.pop(place, None)
            if error is None:
                kept.append(place)
            elif isinstance(error, OutsideSimulation) or not isinstance(error, Exception):
                fail(self.name, taken.batch, place, error)
            else:
                self._guard.give_up(error, taken.batch, place, taken.values[place])
        return kept
