"""The handles that a `process` function is given, bound to state tables and turned from key to key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from actorstream.model.duration import duration_us
from actorstream.model.instant import Instant, to_instant
from actorstream.streams.engine.timers import Timers
from actorstream.streams.inject import Injection
from actorstream.streams.plan.nodes import Process
from actorstream.streams.state import Cell, ListState, MapState, Timer, ValueState
from actorstream.streams.store.table import StateTable

_PROCESSING = "~after"  # Suffix of the table of timers in processing time.


class _TableCell(Cell[Any]):
    """A cell whose content is the present key's place in a table."""

    __slots__ = ("_turn", "table")

    def __init__(self, table: StateTable[Any], turn: _Turn) -> None:
        super().__init__()
        self.table = table
        self._turn = turn

    def get(self) -> Any:
        return self.table.get(0, self._turn.encoded)

    def set(self, content: Any) -> None:
        if content is None:
            self.table.delete(0, self._turn.encoded)
        else:
            self.table.put(0, self._turn.encoded, content)


class _Turn:
    """Whose turn it is."""

    __slots__ = ("encoded",)

    def __init__(self) -> None:
        self.encoded = b""


class _BoundTimer(Timer):
    """A timer that sets, for the key whose turn it is."""

    __slots__ = ("_after_timers", "_handles", "_timers", "_turn")

    def __init__(self, handles: Handles, timers: Timers, after_timers: Timers, turn: _Turn) -> None:
        super().__init__()
        self._handles, self._timers, self._after_timers, self._turn = handles, timers, after_timers, turn

    def at(self, time: datetime) -> None:
        self._timers.set(self._turn.encoded, to_instant(time), self._handles.next_sequence())

    def cancel(self, time: datetime) -> None:
        self._timers.cancel(self._turn.encoded, to_instant(time))

    def after(self, duration: str | timedelta) -> None:
        time = self._handles.now() + duration_us(duration, what="the wait of a timer")
        self._after_timers.set(self._turn.encoded, time, self._handles.next_sequence())


class Handles:
    """All handles of one operator.

    A parameter name means the same state in the operator's function and in those of its timers.
    """

    def __init__(self, node: Process, now: Callable[[], Instant]) -> None:
        self.now = now
        self._turn = _Turn()
        self._states: dict[str, Any] = {}
        self._tables: dict[str, StateTable[Any]] = {}
        self._event: dict[str, Timers] = {}
        self._processing: dict[str, Timers] = {}
        self._sequence = 0
        for one in node.every_injected():
            self._declare(one)

    def _declare(self, one: Injection) -> None:
        if one.kind == "key" or one.parameter in self._states:
            return
        if one.kind == "timer":
            self._declare_timer(one.parameter)
            return
        table: StateTable[Any] = StateTable(one.parameter, _content_type(one))
        self._tables[one.parameter] = table
        self._states[one.parameter] = _handle(one, _TableCell(table, self._turn))

    def _declare_timer(self, name: str) -> None:
        event, processing = Timers(name), Timers(name + _PROCESSING)
        self._event[name], self._processing[name] = event, processing
        self._tables[event.table.name], self._tables[processing.table.name] = event.table, processing.table
        self._states[name] = _BoundTimer(self, event, processing, self._turn)

    def tables(self) -> list[StateTable[Any]]:
        """The tables of all handles."""
        return list(self._tables.values())

    def arguments(self, injected: Sequence[Injection]) -> Callable[[Any], list[Any]]:
        """A function from the key to the arguments after the first."""
        fixed = [None if one.kind == "key" else self._states[one.parameter] for one in injected]
        key_places = [place for place, one in enumerate(injected) if one.kind == "key"]
        if not key_places:
            return lambda key: fixed

        def with_key(key: Any) -> list[Any]:
            for place in key_places:
                fixed[place] = key
            return fixed

        return with_key

    def turn_to(self, key: Any, encoded: bytes) -> None:
        """From now on the handles stand for this key."""
        self._turn.encoded = encoded

    def next_sequence(self) -> int:
        """Numbers timers in the order they are set."""
        self._sequence += 1
        return self._sequence

    # --- timers ----------------------------------------------------------------------------------------------------

    def is_due(self, mark: Instant) -> bool:
        """Whether any event-time timer is due by `mark`."""
        return any((due := one.next_due()) is not None and due[0] <= mark for one in self._event.values())

    def next_event(self, mark: Instant) -> tuple[str, Instant, bytes] | None:
        """Take the next event-time timer that is due: (its parameter, its time, its key)."""
        return _take_next(self._event, mark)

    def next_processing(self, now: Instant) -> tuple[str, Instant, bytes] | None:
        """Take the next processing-time timer that is due."""
        taken = _take_next(self._processing, now)
        return None if taken is None else (taken[0].removesuffix(_PROCESSING), taken[1], taken[2])

    def next_processing_time(self) -> Instant | None:
        """When the next processing-time timer is due."""
        dues = [due[0] for one in self._processing.values() if (due := one.next_due()) is not None]
        return min(dues, default=None)

    def rebuild(self) -> None:
        """The tables were loaded or rolled back."""
        every = [*self._event.values(), *self._processing.values()]
        self._sequence = max((one.rebuild() for one in every), default=0)


def _take_next(every: dict[str, Timers], mark: Instant) -> tuple[str, Instant, bytes] | None:
    first: Timers | None = None
    first_due = None
    for one in every.values():
        due = one.next_due()
        if due is not None and due[0] <= mark and (first_due is None or due < first_due):
            first, first_due = one, due
    if first is None or first_due is None:
        return None
    first.take(first_due)
    return first.name, first_due[0], first_due[2]


def _content_type(one: Injection) -> Any:
    if one.kind == "value":
        return one.types[0] if one.types else Any
    if one.kind == "list":
        return list[one.types[0]] if one.types else list  # type: ignore[name-defined]
    return dict[one.types[0], one.types[1]] if len(one.types) == 2 else dict  # type: ignore[name-defined]


def _handle(one: Injection, cell: Cell[Any]) -> Any:
    handle: Any
    if one.kind == "value":
        handle = ValueState(default=one.default)
    else:
        handle = ListState() if one.kind == "list" else MapState()
    handle._cell = cell
    return handle
