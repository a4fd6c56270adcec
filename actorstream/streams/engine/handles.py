"""The handles that a `process` function is given: state and timers of each key it meets.

Guarantees: after `flush` the tables hold what the handles do; after `rebuild` the handles hold what the tables do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from actorstream.model.duration import duration_us
from actorstream.model.identity import decode, encode
from actorstream.model.instant import Instant, to_instant
from actorstream.streams.engine.bound import BoundValue, Log, bound
from actorstream.streams.engine.expiry import Expiry
from actorstream.streams.engine.timers import Timers
from actorstream.streams.inject import Injection
from actorstream.streams.plan.nodes import Process
from actorstream.streams.state import Timer
from actorstream.streams.store.table import StateTable

_PROCESSING = "~after"  # Suffix of the table of timers in processing time.

KEYS_MAX = 65_536
"""Keys whose handles are remembered; beyond it all are forgotten, and made again as they are met."""


class _BoundTimer(Timer):
    """A timer of one key."""

    __slots__ = ("_after_timers", "_encoded", "_handles", "_timers")

    def __init__(self, handles: Handles, timers: Timers, after_timers: Timers, encoded: bytes) -> None:
        super().__init__()
        self._handles, self._timers, self._after_timers, self._encoded = handles, timers, after_timers, encoded

    def at(self, time: datetime) -> None:
        self._timers.set(self._encoded, to_instant(time), self._handles.next_sequence())

    def cancel(self, time: datetime) -> None:
        self._timers.cancel(self._encoded, to_instant(time))

    def after(self, duration: str | timedelta) -> None:
        time = self._handles.now() + duration_us(duration, what="the wait of a timer")
        self._after_timers.set(self._encoded, time, self._handles.next_sequence())


class Arguments(dict[bytes, tuple[Any, ...]]):
    """What a function is called with besides its first argument, by the key's encoding; made when it is missing."""

    def __init__(self, handles: Handles, injected: Sequence[Injection]) -> None:
        super().__init__()
        self._handles = handles
        self._injected = injected

    def __missing__(self, encoded: bytes) -> tuple[Any, ...]:
        found = self[encoded] = self._handles.bind(encoded, self._injected)
        return found


class Handle(dict[Any, Any]):
    """One parameter's handle of each key, where keys of one plain class are asked for as they are."""

    def __init__(self, handles: Handles, one: Injection) -> None:
        super().__init__()
        self._handles = handles
        self.one = one

    def __missing__(self, key: Any) -> Any:
        found = self[key] = self._handles.bind(encode(key), (self.one,))[0]
        return found


class Handles:
    """All handles of one operator.

    A parameter name means the same state in the operator's function and in those of its timers.

    Args:
        now: tells processing time.
    """

    def __init__(self, node: Process, now: Callable[[], Instant]) -> None:
        self.now = now
        self._key_type = node.key_type
        self._tables: dict[str, StateTable[Any]] = {}
        self._logs: dict[str, Log] = {}
        self._expiries: dict[str, Expiry] = {}
        self._event: dict[str, Timers] = {}
        self._processing: dict[str, Timers] = {}
        self._bound: dict[str, dict[bytes, Any]] = {one.parameter: {} for one in node.every_injected()}
        self._lookups: list[Arguments | Handle] = []
        self._keys: dict[bytes, Any] = {}
        self._sequence = 0
        for one in node.states():
            self._declare_state(one)
        for one in node.every_injected():
            if one.kind == "timer" and one.parameter not in self._event:
                self._declare_timer(one.parameter)

    def _declare_state(self, one: Injection) -> None:
        name = one.parameter
        self._tables[name] = StateTable(name, one.content_type, one.upgrade)
        self._logs[name] = []
        if one.ttl_us is not None:
            self._expiries[name] = expiry = Expiry(name, one.ttl_us)
            self._tables[expiry.table.name] = expiry.table

    def _declare_timer(self, name: str) -> None:
        event, processing = Timers(name), Timers(name + _PROCESSING)
        self._event[name], self._processing[name] = event, processing
        self._tables[event.table.name], self._tables[processing.table.name] = event.table, processing.table

    @property
    def have_timers(self) -> bool:
        """Whether anything asks for a timer."""
        return bool(self._event)

    @property
    def have_ttl(self) -> bool:
        """Whether anything has a time-to-live."""
        return bool(self._expiries)

    def tables(self) -> list[StateTable[Any]]:
        """The tables of all handles."""
        return list(self._tables.values())

    def arguments(self, injected: Sequence[Injection]) -> Arguments:
        """What a function that asks for these is called with, by key."""
        arguments = Arguments(self, injected)
        self._lookups.append(arguments)
        return arguments

    def handle(self, one: Injection) -> Handle:
        """One parameter's handles, by key; only of keys of one class, and no others, for 1 and True are alike here."""
        handle = Handle(self, one)
        self._lookups.append(handle)
        return handle

    def meet(self, encoded: Sequence[bytes], keys: Sequence[Any]) -> None:
        """These keys are about to be asked for; of others only the encoding is known."""
        self._keys = dict(zip(encoded, keys, strict=True))

    @property
    def are_outside(self) -> bool:
        """Whether what they hold comes from outside of memory, so that it should be fetched for many keys at once."""
        return any(table.is_outside for table in self._tables.values())

    def fetch(self, encoded: Iterable[bytes]) -> None:
        """These keys are about to be asked for: read at once what is not in memory."""
        keys = dict.fromkeys(encoded)
        for name, table in self._tables.items():
            known = self._bound.get(name, {})
            table.fetch(0, [key for key in keys if key not in known])

    def bind_all(self, keys: Sequence[Any], encoded: Sequence[bytes], lookups: Sequence[Handle]) -> None:
        """Make the handles of many keys at once, for `lookups` of states that do not know them."""
        for lookup in lookups:
            one = lookup.one
            known = self._bound[one.parameter]
            missing = [of for of in encoded if of not in known]
            contents = self._tables[one.parameter].get_all(0, missing)
            known.update(zip(missing, bound(one, contents, missing, self._logs[one.parameter]), strict=True))
            lookup.update(zip(keys, map(known.__getitem__, encoded), strict=True))

    def bind(self, encoded: bytes, injected: Sequence[Injection]) -> tuple[Any, ...]:
        """The handles of one key."""
        return tuple([self._handle(one, encoded) for one in injected])

    def _handle(self, one: Injection, encoded: bytes) -> Any:
        known = self._bound[one.parameter]
        if encoded not in known:
            known[encoded] = self._bind(one, encoded)
        return known[encoded]

    def _bind(self, one: Injection, encoded: bytes) -> Any:
        if one.kind == "key":
            return self._keys[encoded] if encoded in self._keys else decode(encoded, self._key_type)
        if one.kind == "timer":
            name = one.parameter
            return _BoundTimer(self, self._event[name], self._processing[name], encoded)
        content = self._tables[one.parameter].get(0, encoded)
        return bound(one, [content], [encoded], self._logs[one.parameter])[0]

    def flush(self) -> None:
        """What was set since the last flush goes into the tables."""
        for name, log in self._logs.items():
            if log:
                self._tables[name].put_all(0, {cell.encoded: cell.content for cell in log})
                for cell in log:
                    cell.is_changed = False
                log.clear()
        if any(len(known) > KEYS_MAX for known in self._bound.values()):
            self._forget()

    def look(self, encoded: bytes, now: Instant, *, decided: bool) -> dict[str, Any]:
        """A copy of what each state of a key holds, if anything; what is over at `now` is not there."""
        found = {
            name: self._tables[name].copy_of(0, encoded, decided=decided)
            for name in self._logs
            if name not in self._expiries or not self._expiries[name].is_over(encoded, now)
        }
        return {name: content for name, content in found.items() if content is not None}

    # --- a call on trial: what it does can be taken back -----------------------------------------------------------

    def begin(self, encoded: bytes) -> None:
        """A call for this key begins, which `keep` or `undo` ends; its handles are made anew from the tables."""
        self.flush()
        self._drop(encoded)
        for table in self._tables.values():
            table.begin()

    def keep(self) -> None:
        """What was done since `begin` stays."""
        self.flush()
        for table in self._tables.values():
            table.keep()

    def undo(self, encoded: bytes) -> None:
        """Everything is again as it was at `begin`."""
        for log in self._logs.values():
            log.clear()
        self._drop(encoded)
        for table in self._tables.values():
            table.undo()

    def _drop(self, encoded: bytes) -> None:
        for known in self._bound.values():
            known.pop(encoded, None)
        for lookup in self._lookups:
            if isinstance(lookup, Arguments):
                lookup.pop(encoded, None)

    def _forget(self) -> None:
        for known in self._bound.values():
            known.clear()
        for lookup in self._lookups:
            lookup.clear()

    def next_sequence(self) -> int:
        """Numbers timers in the order they are set."""
        self._sequence += 1
        return self._sequence

    # --- time-to-live ----------------------------------------------------------------------------------------------

    def expire(self, encoded: bytes, now: Instant) -> None:
        """What is over at `now` of this key is gone before it is asked for."""
        for name, expiry in self._expiries.items():
            if expiry.is_over(encoded, now):
                self._clear(name, encoded)

    def stamp(self, time: Instant) -> None:
        """What was written since the last call lives on from `time`; it goes into the tables."""
        for name, expiry in self._expiries.items():
            log = self._logs[name]
            for cell in log:
                cell.is_changed = False
                if cell.content is None:
                    self._tables[name].delete(0, cell.encoded)
                    expiry.cleared(cell.encoded)
                else:
                    self._tables[name].put(0, cell.encoded, cell.content)
                    expiry.written(cell.encoded, time)
            log.clear()

    def clean(self, now: Instant, limit: int) -> bool:
        """Give back the memory of what is over, of at most `limit` keys a state; False if more may be."""
        return all(self._clean(name, now, limit) for name in self._expiries)

    def _clean(self, name: str, now: Instant, limit: int) -> bool:
        for _ in range(limit):
            encoded = self._expiries[name].next_over(now)
            if encoded is None:
                return True
            self._clear(name, encoded)
        return False

    def _clear(self, name: str, encoded: bytes) -> None:
        self._tables[name].delete(0, encoded)
        self._expiries[name].cleared(encoded)
        handle = self._bound[name].get(encoded)
        if handle is not None:
            cell = handle if isinstance(handle, BoundValue) else handle._cell
            cell.content = None

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
        self._forget()
        for log in self._logs.values():
            log.clear()
        for expiry in self._expiries.values():
            expiry.rebuild()
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
