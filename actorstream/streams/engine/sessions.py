"""Sessions: windows that grow and join as records of a key come, and end when it has been silent for the gap.

Theory of operation. What a session holds must not depend on how splits interleave, though it is due, and gone, as soon
as its end is at or before the merged watermark. So there is one order that counts: that of the records' own marks. At
each mark first the sessions that end by then fire; then the records of that mark join whatever they overlap, which may
join several sessions into one. For a single split that is the order in which its records come.

Most records need not wait for that order. One that is not behind its own mark overlaps no session that ends at or
before that mark, whenever it is put in: a whole batch of such records is cut into runs without a gap, and each run
joins the sessions of its key. A record that is behind its own mark and still not late, a *straggler*, might meet a
session that is over by then; it is kept aside until the merged watermark has reached its mark, and has its turn between
the firing of two sessions.

With `allowed_lateness` a session that has fired is kept for so much longer. A straggler that joins it gives a corrected
result: at once, if the joined session has ended, too; else when it ends. Results are not taken back, so what two
sessions gave before they became one is superseded by a later result whose bounds contain theirs.

With `emit="change"` records go one by one, and each gives the present result of its session.

State: for each key its sessions, in order of time, none overlapping another; for each mark and key the stragglers.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple

from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.contents import Content, Contents, View
from actorstream.streams.engine.keys import keys_of
from actorstream.streams.engine.pausable import PIECE_RECORDS, Work
from actorstream.streams.engine.schedule import Schedule
from actorstream.streams.engine.stragglers import Straggler, Stragglers
from actorstream.streams.engine.window_stage import Closed, ContentsStage, Result
from actorstream.streams.plan.nodes import WindowNode
from actorstream.streams.store.table import StateTable
from actorstream.streams.windows import SessionSpec


class Session(NamedTuple):
    """Records from `start` on, the last of them the gap before `end`. `fired`: it has ended, and is kept for more."""

    start: Instant
    end: Instant
    fired: bool
    content: Content


_Kept = tuple[Instant, Instant, bool, Content]  # a `Session`


class SessionsStage(ContentsStage):
    """See the module."""

    def __init__(self, node: WindowNode, contents: Contents) -> None:
        super().__init__(node, contents)
        assert isinstance(node.window, SessionSpec)
        kind = contents.kind
        session = tuple[int, int, bool, kind]  # type: ignore[valid-type]
        self._table: StateTable[list[_Kept]] = StateTable("sessions", list[session])
        self._stragglers = Stragglers(contents)
        self.tables = [self._table, self._stragglers.table]
        self._gap_us = node.window.gap_us
        self._schedule = Schedule()  # When a key's next session ends, or is dropped.
        self._open = 0

    # --- records ---------------------------------------------------------------------------------------------------

    def work(self, batch: Batch) -> Work:
        if not len(batch):
            return
        if self._emits_changes:
            yield from self._one_after_the_other(batch)
        else:
            self._take(batch)
            yield from self._pass_to(self._watermark)

    def _take(self, batch: Batch) -> None:
        times, marks = as_list(batch.times), self._marks(batch)
        encoded = self._encoder.encode_all(keys_of(batch, self._key))
        view = self.contents.view(batch)
        groups: dict[bytes, list[int]] = {}
        if all(map(int.__ge__, times, marks)):
            in_order = sorted(times) == times
            for place in range(len(times)) if in_order else sorted(range(len(times)), key=times.__getitem__):
                groups.setdefault(encoded[place], []).append(place)
        else:
            self._sort_out(batch, encoded, view, groups)
            for places in groups.values():
                places.sort(key=times.__getitem__)
        runs = [(key, run) for key, places in groups.items() for run in self._runs(times, places)]
        contents = self.contents.fold_all(view, [run for _, run in runs])
        for (key, run), content in zip(runs, contents, strict=True):
            self._join(key, times[run[0]], times[run[-1]], content)

    def _marks(self, batch: Batch) -> list[Instant]:
        """How far time was for each record: its own mark, or further if an idle split was passed over."""
        own, reached = as_list(batch.own), self._watermark
        return own if own[0] >= reached else [max(mark, reached) for mark in own]

    def _is_late(self, time: Instant, mark: Instant) -> bool:
        return time + self._gap_us + self._lateness_us <= mark

    def _sort_out(self, batch: Batch, encoded: list[bytes], view: View, groups: dict[bytes, list[int]]) -> None:
        """Some records are behind their own mark: they are late, or wait for their turn."""
        late = []
        for place, (time, mark) in enumerate(zip(as_list(batch.times), self._marks(batch), strict=True)):
            if time >= mark:
                groups.setdefault(encoded[place], []).append(place)
            elif self._is_late(time, mark):
                late.append(place)
            else:
                self._stragglers.keep(encoded[place], mark, batch, view, place)
        self.put_aside(batch, late)

    def _runs(self, times: list[Instant], places: list[int]) -> Iterator[list[int]]:
        """Cut some records of a key, in order of time, where it was silent for the gap."""
        if times[places[-1]] - times[places[0]] < self._gap_us:
            yield places
            return
        begin, last = 0, times[places[0]]
        for number, place in enumerate(places):
            if times[place] - last >= self._gap_us:
                yield places[begin:number]
                begin = number
            last = times[place]
        yield places[begin:]

    def _one_after_the_other(self, batch: Batch) -> Work:
        view = self.contents.view(batch)
        encoded = self._encoder.encode_all(keys_of(batch, self._key))
        columns = (as_list(column) for column in (batch.times, batch.own, batch.marks))
        changes: list[Result] = []
        for place, (key, time, own, mark) in enumerate(zip(encoded, *columns, strict=True)):
            if mark > self._watermark or len(changes) >= PIECE_RECORDS:
                self.emit_results(changes)
                changes = []
                yield from self._pass_to(max(mark, self._watermark))
            turn = max(own, self._watermark)
            if self._is_late(time, turn):
                self.put_aside(batch, [place])
            elif time < turn and turn > self._watermark:
                self._stragglers.keep(key, turn, batch, view, place)
            else:
                changes.extend(self._change(key, self._join(key, time, time, self.contents.fold(view, [place]))))
        self.emit_results(changes)

    # --- sessions --------------------------------------------------------------------------------------------------

    def _join(self, key: bytes, start: Instant, last: Instant, content: Content) -> Session:
        """Put records in; they and all sessions that they overlap become one."""
        end = last + self._gap_us
        known = self._table.get(0, key)
        if known is None:
            self.check_key(key)
            known = []
        apart: list[_Kept] = []
        for one in known:
            if one[0] < end and start < one[1]:
                start, end = min(start, one[0]), max(end, one[1])
                content = self.contents.add(one[3], content)
                self._open -= not one[2]
            else:
                apart.append(one)
        session = Session(start, end, end <= self._watermark, content)
        self._open += not session.fired
        apart.append(tuple(session))
        if len(apart) > 1:
            apart.sort(key=itemgetter(0))
        self._table.put(0, key, apart)
        self._schedule.set_not_after(key, self._next_due(apart))  # Sessions grow; it is looked at again when it is due.
        return session

    def _next_due(self, sessions: list[_Kept]) -> Instant:
        if len(sessions) == 1 and not sessions[0][2]:
            return sessions[0][1]
        return min([end + self._lateness_us if fired else end for _, end, fired, _ in sessions])

    # --- time ------------------------------------------------------------------------------------------------------

    def pass_time(self, watermark: Instant) -> Work:
        if watermark > self._watermark:
            yield from self._pass_to(watermark)
        self.pass_on(watermark)

    def _pass_to(self, watermark: Instant) -> Work:
        """Everything that is due by then: sessions in order of end and key, stragglers between them."""
        closed: list[Closed] = []
        while True:
            due, turn = self._schedule.next_time(), self._stragglers.next_turn()
            if due is not None and due <= watermark and (turn is None or due <= turn):
                closed.extend(self._end(self._schedule.take(), due))
                if len(closed) >= PIECE_RECORDS:
                    yield from self.tell(closed)
                    yield
            elif turn is not None and turn <= watermark:
                yield from self.tell(closed)  # Before what they hold changes.
                self._watermark = max(self._watermark, turn)
                self.emit_results(self._let_in(self._stragglers.take()))
            else:
                break
        self._watermark = watermark
        yield from self.tell(closed)

    def _end(self, key: bytes, now: Instant) -> list[Closed]:
        """One key's sessions that end now; those that are kept no longer are dropped."""
        left: list[_Kept] = []
        closed: list[Closed] = []
        for session in self._table.get(0, key) or ():
            start, end, fired, content = session
            if not fired and end <= now:
                self._open -= 1
                closed.append((key, start, end, content, end - 1))
                fired = True
                session = start, end, fired, content
            if not fired or end + self._lateness_us > now:
                left.append(session)
        if left:
            self._table.put(0, key, left)
            self._schedule.set(key, self._next_due(left))
        else:
            self._table.delete(0, key)
        return [] if self._emits_changes else closed

    def _let_in(self, stragglers: list[Straggler]) -> list[Result]:
        """Each that joins a session which has ended gives a result; any does, if all changes are told."""
        results: list[Result] = []
        for key, time, content in stragglers:
            results.extend(self._change(key, self._join(key, time, time, content)))
        return results

    def _change(self, key: bytes, session: Session) -> list[Result]:
        told = self._emits_changes or session.fired
        return self._result(key, session, self._watermark) if told else []

    def _result(self, key: bytes, session: Session, mark: Instant) -> list[Result]:
        values = self.results_of(key, session.start, session.end, session.content)
        return [(session.end, value, mark) for value in values]

    # --- recovery --------------------------------------------------------------------------------------------------

    def restored(self) -> None:
        super().restored()
        self._schedule.clear()
        self._open = 0
        for key, sessions in self._table.items(0):
            self._schedule.set(key, self._next_due(sessions))
            self._open += sum(not session[2] for session in sessions)
        self._stragglers.restored()

    def open_windows(self) -> int:
        return self._open
