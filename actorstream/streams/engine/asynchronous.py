"""Async `map`: what waits for a coroutine, and what comes out when. Pure.

Theory of operation. Values, and what must stay in its place among them (marks, barriers), stand in one line. They are
handed out to be awaited, so many ahead of the first that is not out; what became of them is told later, in any order.
The line is made of
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

AHEAD_MIN = 256
"""Values of an async operator that may be called before the first of them is out; more, if more are called at a time.

It bounds the results that wait for a slow call in front of them.
"""

Action = Callable[[], None]

_MISSING: Any = object()


class _Taken:
    """A batch, and what its values became; `ready`: the places of those that came, where order is not kept."""

    __slots__ = ("batch", "called", "errors", "passed", "ready", "results", "segment", "values")

    def __init__(self, batch: Batch, segment: _Segment) -> None:
        self.batch = batch
        self.segment = segment
        self.values = batch.rows()
        self.results: list[Any] = [_MISSING] * len(batch)
        self.errors: dict[int, BaseException] = {}
        self.called = 0  # Values that were handed out.
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
    Leaves to others: awaiting what `calls` hands out, and telling `tell` of it.
    """

    def __init__(self, node: AsyncMap, now: Now) -> None:
        super().__init__(node.name)
        self.node = node
        self._guard = Guard(self, node.name, node.on_error, now)
        self._ahead_max = max(AHEAD_MIN, 2 * node.concurrency)
        self.begin(START_OF_TIME)

    def begin(self, watermark: Instant) -> None:
        """An epoch begins: nothing is in the line."""
        self._line: deque[_Segment] = deque()
        self._waiting: deque[_Taken] = deque()  # With values that were not handed out.
        self.uncalled = 0  # How many these are.
        self.called = 0  # Those that were handed out, and are not out.
        self.watermark = watermark

    def push(self, batch: Batch) -> None:
        self.emit(batch)

    # --- what goes in ----------------------------------------------------------------------------------------------

    def may_take(self) -> bool:
        """Whether more should be taken: what may be called will soon run out."""
        return self.uncalled < self.node.concurrency

    def take(self, batch: Batch) -> None:
        """Take a batch in."""
        segment = self._open_segment()
        taken = _Taken(batch, segment)
        if self.node.ordered:
            segment.batches.append(taken)
        segment.count += len(batch)
        segment.left += len(batch)
        self.uncalled += len(batch)
        self._waiting.append(taken)

    def calls(self) -> list[Call]:
        """The calls that are to be made now."""
        calls: list[Call] = []
        while self._waiting and self.called < self._ahead_max:
            taken = self._waiting[0]
            start, stop = taken.called, min(taken.called + self._ahead_max - self.called, len(taken.values))
            calls += [((taken, place), taken.values[place]) for place in range(start, stop)]
            taken.called = stop
            self.called += stop - start
            self.uncalled -= stop - start
            if stop == len(taken.values):
                self._waiting.popleft()
        return calls

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
        self.called -= count

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
