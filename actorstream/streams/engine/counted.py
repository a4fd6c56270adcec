"""Windows of a number of records: `rows(n)`.

Theory of operation. The records of a key are counted in order of event time (ties: partition, offset), so that neither
batches nor the interleaving of splits decide which of them are together. A record's *turn* is its time, or, if its own
split's watermark was further, that watermark: nothing is late here, what comes after its time counts where it comes. A
record is counted when the merged watermark is beyond its turn, because then no record is to come whose turn is the same
or before. So a window goes out when the watermark reaches its end, which is a microsecond after its last record.

Full windows go out in the order of the turns that filled them, of all keys. At the end of the input those that are not
full follow, in order of end and key. With `emit="change"` each record gives the present result of its window instead.

State: for each key the records that wait for their turn, each by itself, and the window that is not full yet.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, repeat
from operator import itemgetter
from typing import Any, NamedTuple

from actorstream.model.instant import END_OF_TIME, Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.contents import Content, Contents, View
from actorstream.streams.engine.keys import keys_of
from actorstream.streams.engine.pausable import PIECE_RECORDS, Work
from actorstream.streams.engine.schedule import Schedule
from actorstream.streams.engine.window_stage import Closed, ContentsStage
from actorstream.streams.plan.nodes import WindowNode
from actorstream.streams.store.table import StateTable
from actorstream.streams.windows import RowsSpec

Turn = tuple[Instant, Instant, int, int]  # (turn, time, partition, offset)
Held = tuple[Instant, Instant, int, int, Content]  # a turn, and the record by itself
Partial = tuple[int, Instant, Instant, Content]  # how many records, the times of the first and the last, their content
Entry = tuple[list[Held], list[Partial]]  # The records that wait, in order; the window that is not full, if there is.

_turn = itemgetter(0, 1, 2, 3)


class Filled(NamedTuple):
    """A window that is full, or, where every change is told, that has one record more."""

    turn: Turn
    key: bytes
    window: Partial


class CountedStage(ContentsStage):
    """See the module."""

    def __init__(self, node: WindowNode, contents: Contents) -> None:
        super().__init__(node, contents)
        assert isinstance(node.window, RowsSpec)
        kind = contents.kind
        self._table: StateTable[Entry] = StateTable(
            "rows",
            tuple[list[tuple[int, int, int, int, kind]], list[tuple[int, int, int, kind]]],  # type: ignore[valid-type]
        )
        self.tables = [self._table]
        self._count = node.window.count
        self._schedule = Schedule()  # When a key's next record has its turn.
        self._keys: dict[bytes, None] = {}  # Those that have an entry.

    # --- records ---------------------------------------------------------------------------------------------------

    def work(self, batch: Batch) -> Work:
        if not len(batch):
            return
        reached = max(as_list(batch.marks)[-1], self._watermark)
        filled = self._take(batch, self.contents.view(batch), reached)
        yield from self._go_on(reached, filled)

    def _take(self, batch: Batch, view: View, reached: Instant) -> list[Filled]:
        """Those records that have had their turn are counted, the others wait."""
        turns, times, order = self._order(batch)
        ready: dict[bytes, list[int]] = {}
        waiting: dict[bytes, list[int]] = {}
        encoded = self._encoder.encode_all(keys_of(batch, self._key))
        ready_count = bisect_left(order, reached, key=turns.__getitem__)
        for place in order[:ready_count]:
            ready.setdefault(encoded[place], []).append(place)
        for place in order[ready_count:]:
            waiting.setdefault(encoded[place], []).append(place)
        for key in [key for key in ready if self._entry(key)[0]]:  # Behind those of its key that wait already.
            waiting[key] = ready.pop(key) + waiting.get(key, [])
        offsets, partition = batch.offsets, batch.origin.partition

        def turn_of(place: int) -> Turn:
            return turns[place], times[place], partition, 0 if offsets is None else int(offsets[place])

        filled = self._count_ready(ready, times, turn_of, view)
        self._let_wait(waiting, turn_of, view)
        return filled

    def _order(self, batch: Batch) -> tuple[list[Instant], list[Instant], Sequence[int]]:
        """The turn and the time of each record, and the order of their turns; of equal ones that in which they came.

        A batch is of one split, so its offsets rise; what an operator made has none.
        """
        times = as_list(batch.times)
        turns = list(map(max, times, as_list(batch.own), as_list(batch.marks), repeat(self._watermark)))
        if turns == times:
            in_order = sorted(times) == times
            return turns, times, range(len(times)) if in_order else sorted(range(len(times)), key=times.__getitem__)
        return turns, times, sorted(range(len(times)), key=list(zip(turns, times, strict=True)).__getitem__)

    def _entry(self, key: bytes) -> Entry:
        entry = self._table.get(0, key)
        return ([], []) if entry is None else entry

    def _count_ready(
        self, ready: dict[bytes, list[int]], times: list[Instant], turn_of: Callable[[int], Turn], view: View
    ) -> list[Filled]:
        """Count records; those of a key are folded at once as far as they come into one window."""
        runs: list[list[int]] = []
        entries: list[tuple[bytes, Entry, int]] = []
        for key, places in ready.items():
            entry = self._entry(key)
            if key not in self._keys:
                self.check_key(key)
            before = len(runs)
            runs.extend(self._cut(places, entry[1]))
            entries.append((key, entry, len(runs) - before))
        contents = iter(zip(runs, self.contents.fold_all(view, runs), strict=True))
        filled: list[Filled] = []
        for key, (held, partial), count in entries:
            for places, content in islice(contents, count):
                among = [times[place] for place in places]
                window = self._grown(partial, (len(places), min(among), max(among), content))
                if self._is_told(window):
                    filled.append(Filled(turn_of(places[-1]), key, window))
            self._keep(key, held, partial)
        return filled

    def _let_wait(self, waiting: dict[bytes, list[int]], turn_of: Callable[[int], Turn], view: View) -> None:
        every = [place for places in waiting.values() for place in places]
        contents = iter(self.contents.fold_all(view, [[place] for place in every]))
        for key, places in waiting.items():
            held, partial = self._entry(key)
            if key not in self._keys:
                self.check_key(key)
            more: list[Held] = [(*turn_of(place), content) for place, content in zip(places, contents, strict=False)]
            self._keep(key, sorted([*held, *more], key=_turn) if held else more, partial)

    def _cut(self, records: Sequence[Any], partial: list[Partial]) -> Iterator[Any]:
        """Cut a key's next records where windows become full; where every change is told, after each record."""
        step = 1 if self._emits_changes else self._count
        begin = 0
        if partial and not self._emits_changes:
            begin = self._count - partial[0][0]
            yield records[:begin]
        for start in range(begin, len(records), step):
            yield records[start : start + step]

    def _grown(self, partial: list[Partial], run: Partial) -> Partial:
        """A window with more records, which are no more than it has room for; `partial` becomes what is left over."""
        window = run
        if partial:
            (count, first, last, known), (more, start, end, content) = partial.pop(), run
            window = count + more, min(first, start), max(last, end), self._combine(known, content)
        if window[0] < self._count:
            partial.append(window)
        return window

    def _is_told(self, window: Partial) -> bool:
        return self._emits_changes or window[0] == self._count

    def _combine(self, known: Content, more: Content) -> Content:
        """Where every change is told, a window that is still to be told must not change."""
        return self.contents.merge((known, more)) if self._emits_changes else self.contents.add(known, more)

    def _keep(self, key: bytes, held: list[Held], partial: list[Partial]) -> None:
        if held or partial:
            self._table.put(0, key, (held, partial))
            self._keys[key] = None
        else:
            self._table.delete(0, key)
            self._keys.pop(key, None)
        self._schedule.set(key, held[0][0] if held else None)

    # --- time ------------------------------------------------------------------------------------------------------

    def pass_time(self, watermark: Instant) -> Work:
        if watermark > self._watermark:
            yield from self._go_on(watermark, [])
        self.pass_on(watermark)

    def _go_on(self, reached: Instant, filled: list[Filled]) -> Work:
        """Count what has had its turn, and tell the windows that it has filled, and those filled already."""
        counted = 0
        while (turn := self._schedule.next_time()) is not None and turn < reached:
            filled.extend(self._count_held(self._schedule.take(), reached))
            counted += 1
            if counted % PIECE_RECORDS == 0:
                yield
        self._watermark = reached
        yield from self._tell((one.key, one.window, one.turn[0]) for one in sorted(filled, key=itemgetter(0, 1)))
        if reached >= END_OF_TIME:
            yield from self._end()

    def _count_held(self, key: bytes, reached: Instant) -> list[Filled]:
        """Records of a key that have waited, and now have had their turn."""
        held, partial = self._table.get(0, key) or ([], [])
        ready = [one for one in held if one[0] < reached]
        filled: list[Filled] = []
        for records in self._cut(ready, partial):
            times = [one[1] for one in records]
            run = len(records), min(times), max(times), self.contents.merge([one[4] for one in records])
            window = self._grown(partial, run)
            if self._is_told(window):
                filled.append(Filled(_turn(records[-1]), key, window))
        self._keep(key, held[len(ready) :], partial)
        return filled

    def _end(self) -> Work:
        """The input has ended: windows that are not full are told, too, and nothing is kept."""
        left = [(key, window) for key in self._keys for window in (self._table.get(0, key) or ([], []))[1]]
        for key, _ in left:
            self._keep(key, [], [])
        if not self._emits_changes:
            yield from self._tell(
                (key, one, one[2]) for key, one in sorted(left, key=lambda pair: (pair[1][2], pair[0]))
            )

    def _tell(self, windows: Iterable[tuple[bytes, Partial, Instant]]) -> Work:
        """Emit what windows give; with each, how far time was."""
        closed: list[Closed] = []
        for key, (_, first, last, content), mark in windows:
            closed.append((key, first, last + 1, content, mark))
            if len(closed) >= PIECE_RECORDS:
                yield from self.tell(closed)
                yield
        yield from self.tell(closed)

    # --- recovery --------------------------------------------------------------------------------------------------

    def restored(self) -> None:
        super().restored()
        self._schedule.clear()
        self._keys.clear()
        for key, (held, _) in self._table.items(0):
            self._keys[key] = None
            self._schedule.set(key, held[0][0] if held else None)

    def open_windows(self) -> int:
        return len(self._keys)
