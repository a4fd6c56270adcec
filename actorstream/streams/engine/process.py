"""`process`: a function with state and timers, called for one record after the other.

Before each record, timers that its mark has reached fire, in order of time; after it, those that it set at or before
that mark. What a timer emits has the timer's time, and reaches the next operators before the watermark that fired it:
its mark is just below that time, or, if time was further when the timer was set, how far it was.

A record, or a step of time, may give any number of values: they go out in pieces (`pausable`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from types import NoneType
from typing import Any

from actorstream.errors import OperatorError
from actorstream.model.identity import decode
from actorstream.model.instant import END_OF_TIME, START_OF_TIME, Instant, to_datetime
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.calls import Calls, CompiledCalls
from actorstream.streams.engine.emitted import emitted
from actorstream.streams.engine.failure import consumed, fail
from actorstream.streams.engine.guard import FAILED, GuardedStage
from actorstream.streams.engine.handles import Arguments, Handles
from actorstream.streams.engine.keys import KeyEncoder, keys_of
from actorstream.streams.engine.pausable import PIECE_RECORDS, Pause, Work
from actorstream.streams.plan.nodes import KeyBy, Process

_NO_BATCH = Batch([])

_TIMERS_MAX = 256  # Timers that fire before a pause; what each gives is a batch.

_CLEANED_MAX = 1_024  # Keys of each state whose time-to-live is over that are cleaned away before a pause.

_AT_THE_END_MAX = 1_000_000
"""Timers that may fire after the end of the input; more means that one sets itself again for ever."""


class ProcessStage(GuardedStage):
    """See the module.

    `now` tells processing time, for `timer.after`.
    """

    def __init__(self, node: Process, now: Callable[[], Instant]) -> None:
        super().__init__(node.name, node.on_error, now)
        self._node = node
        key = node.inputs[0]
        assert isinstance(key, KeyBy)
        self._key = key
        self._encoder = KeyEncoder(key)
        self._handles = Handles(node, now)
        self._arguments = self._handles.arguments(node.injected)
        self._on_timer = {
            name: (function, self._handles.arguments(injected)) for name, (function, injected) in node.timers.items()
        }
        self._calls = CompiledCalls(node.function, node.injected, self._handles)
        self._has_ttl = self._handles.have_ttl
        self._gives_one = node.gives_one and not self._handles.have_timers and not self._has_ttl and self.guard.is_plain
        self.tables = self._handles.tables()
        self._mark: Instant = START_OF_TIME  # How far time has come with what was handled last.
        self._fired_at_the_end = 0

    def begin(self, work: Work) -> None:
        super().begin(self._flushed(work))

    def _flushed(self, work: Work) -> Work:
        """The same work; wherever it pauses, the tables hold what the handles do."""
        for pause in work:
            self._handles.flush()
            yield pause
        self._handles.flush()

    def expect(self, batch: Batch) -> None:
        if self._handles.are_outside:
            self._handles.fetch(self._encoder.encode_all(keys_of(batch, self._key)))

    def work(self, batch: Batch) -> Work:
        keys = keys_of(batch, self._key)
        calls = self._calls.of(keys) if self._gives_one else None
        if calls is not None:
            self._call_each(batch, calls, keys)
        else:
            yield from self._work_by_mark(batch, keys)

    def _call_each(self, batch: Batch, calls: Calls, keys: list[Any]) -> None:
        """Where nothing comes between two records: neither timers, nor pieces."""
        if self._handles.are_outside:
            self._calls.fetch(keys)
        left = iter(batch.rows())
        try:
            results = calls(left, keys)
        except Exception as error:
            fail(self.name, batch, consumed(left, len(batch)), error)
        if NoneType in map(type, results):
            given = [place for place, result in enumerate(results) if result is not None]
            self._emit_chosen(batch, given, [results[place] for place in given])
        else:
            self.emit(batch.with_rows(results, self._node.type))

    def _work_by_mark(self, batch: Batch, keys: list[Any]) -> Work:
        rows = batch.rows()
        encoded_keys = self._encoder.encode_all(keys)
        self._handles.meet(encoded_keys, keys)
        if self._handles.are_outside:
            self._handles.fetch(encoded_keys)
        if self._on_timer and rows:
            decode(encoded_keys[0], self._node.key_type)  # If it cannot be restored, say so before a timer needs it.
        marks = [START_OF_TIME] * len(rows) if batch.marks is None else as_list(batch.marks)
        handles, function, arguments = self._handles, self._node.function, self._arguments
        guard, has_ttl = self.guard, self._has_ttl
        times = marks if batch.times is None else as_list(batch.times)
        places: list[int] = []
        values: list[Any] = []
        for place, (value, encoded) in enumerate(zip(rows, encoded_keys, strict=True)):
            if handles.is_due(marks[place]):
                self._emit_chosen(batch, places, values)
                places, values = [], []
                yield from self._fire(marks[place])
            self._mark = max(self._mark, marks[place])
            if has_ttl:
                handles.expire(encoded, max(times[place], marks[place]))
            if not guard.is_plain:
                handles.begin(encoded)
            try:
                results = emitted(function(value, *arguments[encoded]))
            except Exception as error:
                again = partial(self._again, function, value, arguments, encoded)
                results = yield from self._rescue(error, encoded, again, batch, place, value)
            if has_ttl:
                handles.stamp(times[place])
            if not guard.is_plain:
                handles.keep()
            places.extend([place] * len(results))
            values.extend(results)
            if handles.is_due(self._mark):
                self._emit_chosen(batch, places, values)
                places, values = [], []
                yield from self._fire(self._mark)
            elif len(values) >= PIECE_RECORDS:
                self._emit_chosen(batch, places, values)
                places, values = [], []
                yield
        self._emit_chosen(batch, places, values)

    # --- under a policy: a call that fails leaves no trace in the state --------------------------------------------

    def _again(self, function: Callable[..., Any], first: Any, arguments: Arguments, encoded: bytes) -> list[Any]:
        self._handles.begin(encoded)
        try:
            return emitted(function(first, *arguments[encoded]))
        except Exception:
            self._handles.undo(encoded)
            raise

    def _rescue(
        self,
        error: Exception,
        encoded: bytes,
        again: Callable[[], list[Any]],
        batch: Batch,
        place: int,
        value: Any,
        shown: str = "",
    ) -> Generator[Pause, None, list[Any]]:
        """What comes of a call that raised, in the end; nothing, if the policy gives up on it."""
        if not self.guard.is_plain:
            self._handles.undo(encoded)
        results = yield from self.guard.rescue(error, again, batch, place, value, shown)
        return [] if results is FAILED else list(results)

    # --- time ------------------------------------------------------------------------------------------------------

    def _emit_chosen(self, batch: Batch, places: list[int], values: list[Any]) -> None:
        if values:
            self.emit(batch.choose(places, values, self._node.type))

    def look(self, key: bytes, *, decided: bool) -> Any:
        """The content of each state, by its name, where there is any."""
        return self._handles.look(key, self._mark, decided=decided)

    def pass_time(self, watermark: Instant) -> Work:
        if self._handles.is_due(watermark):
            yield from self._fire(watermark)
        self._mark = max(self._mark, watermark)
        while watermark < END_OF_TIME and not self._handles.clean(watermark, _CLEANED_MAX):
            yield
        self.pass_on(watermark)

    def fire_processing_time(self, now: Instant) -> None:
        """Fire the timers of `timer.after` that are due."""
        self.begin(self._fire_by_the_clock(now))

    def _fire_by_the_clock(self, now: Instant) -> Work:
        fired = 0
        while (due := self._handles.next_processing(now)) is not None:
            yield from self._call(*due, self._mark)
            fired += 1
            if fired % _TIMERS_MAX == 0:
                yield

    def next_processing_time(self) -> Instant | None:
        """When the next of them is due."""
        return self._handles.next_processing_time()

    def _fire(self, watermark: Instant) -> Work:
        """Fire all that is due by `watermark`, also what is set meanwhile."""
        fired = 0
        while (due := self._handles.next_event(watermark)) is not None:
            if watermark >= END_OF_TIME:
                self._count_at_the_end()
            self._mark = max(self._mark, due[1] - 1)
            yield from self._call(*due, max(self._mark, due[1]))
            fired += 1
            if fired % _TIMERS_MAX == 0:
                yield

    def _call(self, timer: str, time: Instant, encoded: bytes, event_time: Instant) -> Work:
        """Call the function of a timer that was set for `time`; event time has come as far as `event_time`."""
        function, arguments = self._on_timer[timer]
        at = to_datetime(time)
        self._handles.expire(encoded, event_time)
        if not self.guard.is_plain:
            self._handles.begin(encoded)
        try:
            results = emitted(function(at, *arguments[encoded]))
        except Exception as error:
            again = partial(self._again, function, at, arguments, encoded)
            key = decode(encoded, self._node.key_type)
            record, shown = {"timer": timer, "key": key, "time": at}, f"timer {timer!r} of key {key!r} at {at}"
            results = yield from self._rescue(error, encoded, again, _NO_BATCH, -1, record, shown)
        self._handles.stamp(event_time)
        if not self.guard.is_plain:
            self._handles.keep()
        count = len(results)
        marks = [self._mark] * count
        self.emit(Batch(results, kind=self._node.type, times=[time] * count, own=marks, marks=marks))

    def _count_at_the_end(self) -> None:
        self._fired_at_the_end += 1
        if self._fired_at_the_end > _AT_THE_END_MAX:
            raise OperatorError(
                self.name,
                "the end of the input",
                cause="a timer sets itself again for ever; stop setting it at some time",
            )

    def restored(self) -> None:
        super().restored()
        self._handles.rebuild()
        self._mark = START_OF_TIME
        self._fired_at_the_end = 0
