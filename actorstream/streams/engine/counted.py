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

from collections.abc import Callable, Iterable
from itertools import repeat
from operator import itemgetter
from typing import NamedTuple

from actorstream.model.instant import END_OF_TIME, Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.contents import Content, Contents, View
from actorstream.streams.engine.keys import keys_of
from actorstream.streams.engine.pausable import PIECE_RECORDS, Work
from actorstream.streams.engine.schedule import Schedule
from actorstream.streams.engine.window_stage import ContentsStage, Result
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
        groups: dict[bytes, list[int]] = {}
        for place, key in enumerate(self._encoder.encode_all(keys_of(batch, self._key))):
            groups.setdefault(key, []).append(place)
        turns, view = self._turns(batch), self.contents.view(batch)
        filled: list[Filled] = []
        for key, places in groups.items():
            filled.extend(self._take(key, sorted(places, key=turns.__getitem__), turns, view, reached))
        yield from self._go_on(reached, filled)

    def _turns(self, batch: Batch) -> list[Turn]:
        times = as_list(batch.times)
        # What an operator made has no offsets: then the order in which it came, which sorting keeps, is its order.
        offsets = repeat(0) if batch.offsets is None else as_list(batch.offsets)
        turns = map(max, times, as_list(batch.own), as_list(batch.marks), repeat(self._watermark))
        return list(zip(turns, times, repeat(batch.origin.partition), offsets, strict=False))

    def _take(self, key: bytes, places: list[int], turns: list[Turn], view: View, reached: Instant) -> Iterable[Filled]:
        """Records of one key, in order: those that have had their turn are counted, the others wait."""
        fold = self.contents.fold
        entry = self._table.get(0, key)
        if entry is None:
            self.check_key(key)
            entry = [], []
        held, partial = entry
        ready = [] if held else [turns[place] for place in places if turns[place][0] < reached]
        waiting: list[Held] = [(*turns[place], fold(view, [place])) for place in places[len(ready) :]]
        filled = self._fill(key, partial, ready, lambda begin, end: fold(view, places[begin:end]))
        self._keep(key, sorted([*held, *waiting], key=_turn) if held else waiting, partial)
        return filled

    def _fill(
        self, key: bytes, partial: list[Partial], ready: list[Turn], content_of: Callable[[int, int], Content]
    ) -> list[Filled]:
        """Count records; `partial` becomes what is left over.

        Args:
            content_of: the content of some of them, from one place up to another.
        """
        combine = self._combine
        filled = []
        begin = 0
        while begin < len(ready):
            count, first, last, known = partial.pop() if partial else (0, ready[begin][1], ready[begin][1], None)
            end = min(begin + self._step(count), len(ready))
            times = [time for _, time, _, _ in ready[begin:end]]
            content = content_of(begin, end)
            window = (
                count + end - begin,
                min(first, *times),
                max(last, *times),
                combine(known, content) if count else content,
            )
            if self._emits_changes or window[0] == self._count:
                filled.append(Filled(ready[end - 1], key, window))
            if window[0] < self._count:
                partial.append(window)
            begin = end
        return filled

    def _step(self, count: int) -> int:
        """How many records may be added at once to a window of so many."""
        return 1 if self._emits_changes else self._count - count

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
        ready = [_turn(one) for one in held if one[0] < reached]
        filled = self._fill(
            key, partial, ready, lambda begin, end: self.contents.merge([one[4] for one in held[begin:end]])
        )
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
        results: list[Result] = []
        for key, (_, first, last, content), mark in windows:
            results.extend((last + 1, value, mark) for value in self.results_of(key, first, last + 1, content))
            if len(results) >= PIECE_RECORDS:
                self.emit_results(results)
                results = []
                yield
        self.emit_results(results)

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
