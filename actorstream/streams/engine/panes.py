"""Windows of event time over panes: what they hold, when they are due, who is late. The folding is left to subclasses.

Theory of operation. A record belongs to one pane; a window is put together from its panes when it is due. The state has
one entry for each pane (namespace) and key: a small dict from a number to what was folded under it. The number says in
which of the windows of the pane, from the earliest on, the records begin to count: 0 but for those that were late for
some of them.

A window is due when its end is at or before the merged watermark. Lateness is judged by the record's own split, so the
result does not depend on how splits interleave; only where an idle split was passed over does the merged watermark
count too. Within a batch the windows fire after its last record instead of between records: no record that is in time
by its own split's mark can belong to a window that a mark in the same batch has passed, so the outcome is the same. It
is not the same when late records still give corrections, or when every change is emitted: then records go one by one.

Windows that are due may have any number of keys: their results go out in pieces (`pausable`).
"""

from __future__ import annotations

import heapq
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from actorstream.model.identity import Encoder, decode
from actorstream.model.instant import START_OF_TIME, Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.keys import keys_of
from actorstream.streams.engine.pausable import PIECE_RECORDS, PausableStage, Work
from actorstream.streams.engine.stage import PassStage
from actorstream.streams.plan.nodes import KeyBy, WindowAggregate, WindowApply
from actorstream.streams.store.table import StateTable

Content = Any
View = Any  # What a subclass needs of a batch, to fold any of its records.
Entry = dict[int, Content]  # number → content; see the module
Group = tuple[Instant, int, bytes]  # (pane, number, key)


class PanesStage(PausableStage):
    """See the module."""

    def __init__(self, node: WindowAggregate | WindowApply, entry_type: Any) -> None:
        super().__init__(node.name)
        self.node = node
        self.late = PassStage(f"{node.name}.late")
        self.late_records = 0  # since the task began
        self.table: StateTable[Entry] = StateTable("panes", entry_type)
        self.tables = [self.table]
        self._key = _key_node(node)
        self._encoder = Encoder()
        self._window = node.window
        self._pane_us = node.window.pane_us
        self._lateness_us = node.allowed_lateness_us
        self._one_by_one = self._lateness_us > 0 or node.emit == "change"
        self._watermark: Instant = START_OF_TIME
        self._panes: set[Instant] = set()
        self._due: list[Instant] = []  # heap of the ends of windows that may hold something
        self._scheduled: set[Instant] = set()
        self._retire: list[tuple[Instant, Instant]] = []  # heap of (when nobody needs it any more, pane)

    # --- what subclasses do ----------------------------------------------------------------------------------------

    @abstractmethod
    def view(self, batch: Batch) -> View:
        """What `fold` needs of a batch; made once."""

    @abstractmethod
    def fold(self, view: View, places: list[int]) -> Content:
        """The content of the records at `places`."""

    @abstractmethod
    def merge(self, contents: Sequence[Content]) -> Content:
        """The content of all, at least one; changes none."""

    @abstractmethod
    def results(self, key: Any, start: Instant, end: Instant, content: Content) -> Iterable[Any]:
        """What the window gives."""

    # --- records ---------------------------------------------------------------------------------------------------

    def work(self, batch: Batch) -> Work:
        if not len(batch):
            return
        if self._one_by_one:
            yield from self._one_after_the_other(batch)
        else:
            self.take(batch)

    def take(self, batch: Batch) -> None:
        """Fold a batch into the panes; late records go to `late`."""
        pane_us = self._pane_us
        panes = [time - time % pane_us for time in as_list(batch.times)]
        encoded = self._encoder.encode_all(keys_of(batch, self._key))
        groups: dict[Group, list[int]] = {}
        own = as_list(batch.own)
        last_own = {pane: own[place] for place, pane in enumerate(panes)}  # Marks rise, so the last is the highest.
        if self.are_in_time(last_own):
            for place, pair in enumerate(zip(panes, encoded, strict=True)):
                groups.setdefault((pair[0], 0, pair[1]), []).append(place)
        else:
            self._sort_out_late(batch, panes, encoded, groups)
        view = self.view(batch)
        self.add((group, self.fold(view, places)) for group, places in groups.items())

    def are_in_time(self, last_own: dict[Instant, Instant]) -> bool:
        """Whether no record is late for any window of its pane; given the highest mark of each pane's records."""
        return all(self._window.first_end(pane) > self._limit(own) for pane, own in last_own.items())

    def _sort_out_late(
        self, batch: Batch, panes: list[Instant], encoded: list[bytes], groups: dict[Group, list[int]]
    ) -> None:
        """The same, when some records may be late for some windows, or for all."""
        late = []
        for place, (pane, key, own) in enumerate(zip(panes, encoded, as_list(batch.own), strict=True)):
            number = self._window.first_after(pane, self._limit(own))
            if number is None:
                late.append(place)
            else:
                groups.setdefault((pane, number, key), []).append(place)
        if late:
            self.late_records += len(late)
            self.late.emit(batch.choose(late))

    def _limit(self, own: Instant) -> Instant:
        """Windows that end at or before this are final for a record of this mark."""
        return max(own, self._watermark) - self._lateness_us

    def add(self, folded: Iterable[tuple[Group, Content]]) -> None:
        """Merge folded groups into the state."""
        table = self.table
        for (pane, number, key), content in folded:
            if pane not in self._panes:
                decode(
                    key, self.node.key_type
                )  # A key that cannot be restored is told now, not when its window closes.
                self._open(pane)
            entry = table.get(pane, key)
            if entry is None:
                entry = {number: content}
            else:
                known = entry.get(number)
                entry[number] = content if known is None else self.merge((known, content))
            table.put(pane, key, entry)

    def _open(self, pane: Instant) -> None:
        self._panes.add(pane)
        heapq.heappush(self._retire, (self._window.last_end(pane) + self._lateness_us, pane))
        for end in self._window.ends(pane):
            if end > self._watermark and end not in self._scheduled:
                self._scheduled.add(end)
                heapq.heappush(self._due, end)

    def _one_after_the_other(self, batch: Batch) -> Work:
        encoded = self._encoder.encode_all(keys_of(batch, self._key))
        view = self.view(batch)
        columns = (as_list(column) for column in (batch.times, batch.own, batch.marks))
        for place, (key, time, own, mark) in enumerate(zip(encoded, *columns, strict=True)):
            if mark > self._watermark:
                yield from self._fire(mark)
            pane = time - time % self._pane_us
            number = self._window.first_after(pane, self._limit(own))
            if number is None:
                self.late_records += 1
                self.late.emit(batch.choose([place]))
                continue
            self.add([((pane, number, key), self.fold(view, [place]))])
            for end in self._window.ends(pane)[number:]:
                if self.node.emit == "change" or end <= self._watermark:
                    self._correct(end, key)

    def _correct(self, end: Instant, key: bytes) -> None:
        """Emit the present result of one window of one key: a change, or a correction of what it gave."""
        self._emit_results([(end, value, self._watermark) for value in self._values(end, key)])

    # --- time ------------------------------------------------------------------------------------------------------

    def pass_time(self, watermark: Instant) -> Work:
        if watermark > self._watermark:
            yield from self._fire(watermark)
        self.pass_on(watermark)

    def _fire(self, watermark: Instant) -> Work:
        """Emit every window that is due, in order of end and key, and retire what nobody needs any more."""
        results: list[tuple[Instant, Any, Instant]] = []
        while self._due and self._due[0] <= watermark:
            end = heapq.heappop(self._due)
            self._scheduled.discard(end)
            if self.node.emit == "close":
                for key in self._keys(end):
                    results.extend((end, value, end - 1) for value in self._values(end, key))
                    if len(results) >= PIECE_RECORDS:
                        self._emit_results(results)
                        results = []
                        yield
        self._watermark = watermark
        self._emit_results(results)
        while self._retire and self._retire[0][0] <= watermark:
            _, pane = heapq.heappop(self._retire)
            self._panes.discard(pane)
            self.table.delete_namespace(pane)

    def _keys(self, end: Instant) -> list[bytes]:
        """The keys that have records in the window that ends at `end`, sorted."""
        found: dict[bytes, None] = {}
        for pane in self._window.panes(end):
            if pane in self._panes:
                found.update(dict.fromkeys(self.table.keys(pane)))
        return sorted(found)

    def _values(self, end: Instant, key: bytes) -> list[Any]:
        contents: list[Content] = []
        for pane in self._window.panes(end):
            entry = self.table.get(pane, key) if pane in self._panes else None
            if entry is not None:
                here = self._window.number_of(pane, end)
                contents.extend(content for number, content in entry.items() if number <= here)
        if not contents:
            return []
        user_key = decode(key, self.node.key_type)
        return list(self.results(user_key, end - self._window.size_us, end, self.merge(contents)))

    def _emit_results(self, results: list[tuple[Instant, Any, Instant]]) -> None:
        if not results:
            return
        marks = [mark for _, _, mark in results]
        self.emit(
            Batch(
                [value for _, value, _ in results],
                kind=self.node.type,
                times=[end - 1 for end, _, _ in results],
                own=marks,
                marks=marks,
            )
        )

    def restored(self) -> None:
        super().restored()
        self._panes.clear()
        self._due.clear()
        self._scheduled.clear()
        self._retire.clear()
        self._watermark = START_OF_TIME
        for pane in self.table.namespaces():
            self._open(pane)

    def resume_at(self, watermark: Instant) -> None:
        """After `restored`: windows up to here have fired."""
        self._watermark = watermark
        self._due = [end for end in self._due if end > watermark]
        heapq.heapify(self._due)
        self._scheduled = set(self._due)

    def open_windows(self) -> int:
        """How many windows wait for their end."""
        return len(self._due)


def _key_node(node: WindowAggregate | WindowApply) -> KeyBy:
    key = node.inputs[0]
    assert isinstance(key, KeyBy)
    return key
