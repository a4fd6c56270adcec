"""Windows of event time over panes: what they hold, when they are due, who is late. Folding is left to their contents.

Theory of operation. A record belongs to one pane; a window is put together from its panes when it is due. The state has
one entry for each pane (namespace) and key: a small dict from a number to what was folded under it. The number says in
which of the windows of the pane, from the earliest on, the records begin to count: 0 but for those that were late for
some of them.

A window is due when its end is at or before the merged watermark. Lateness is judged by the record's own split, so the
result does not depend on how splits interleave; only where an idle split was passed over does the merged watermark
count too. Within a batch the windows fire after its last record instead of between records: no record that is in time
by its own split's mark can belong to a window that a mark in the same batch has passed, so the outcome is the same.

With `allowed_lateness`, a record that is late for some window may still correct it. Such records wait until the merged
watermark has reached their mark, and have their turn between the firing of two windows (`stragglers`); all others go by
batch. Only when every change is emitted, all go one by one.

Windows that are due may have any number of keys: their results go out in pieces (`pausable`).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Any

from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.contents import Content, Contents
from actorstream.streams.engine.keys import keys_of
from actorstream.streams.engine.pausable import PIECE_RECORDS, Work
from actorstream.streams.engine.stragglers import Stragglers
from actorstream.streams.engine.window_stage import Closed, ContentsStage, Result
from actorstream.streams.plan.nodes import WindowNode
from actorstream.streams.store.table import StateTable
from actorstream.streams.windows import WindowSpec

Entry = dict[int, Content]  # number → content; see the module
Group = tuple[Instant, int, bytes]  # (pane, number, key)


class PanesStage(ContentsStage):
    """See the module."""

    def __init__(self, node: WindowNode, contents: Contents) -> None:
        super().__init__(node, contents)
        assert isinstance(node.window, WindowSpec)
        self.table: StateTable[Entry] = StateTable("panes", dict[int, contents.kind])  # type: ignore[name-defined]
        self.stragglers = Stragglers(contents)
        self.tables = [self.table, self.stragglers.table]
        self._window = node.window
        self._pane_us = node.window.pane_us
        self._panes: set[Instant] = set()
        self._due: list[Instant] = []  # heap of the ends of windows that may hold something
        self._scheduled: set[Instant] = set()
        self._retire: list[tuple[Instant, Instant]] = []  # heap of (when nobody needs it any more, pane)

    # --- records ---------------------------------------------------------------------------------------------------

    def work(self, batch: Batch) -> Work:
        if not len(batch):
            return
        if self._emits_changes:
            yield from self._one_after_the_other(batch)
        else:
            self.take(batch)
            if self.stragglers.next_turn() is not None:  # Time may be as far already.
                yield from self._fire(self._watermark)

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
        folded = self.contents.fold_all(self.contents.view(batch), list(groups.values()))
        self.add(zip(groups, folded, strict=True))

    def are_in_time(self, last_own: dict[Instant, Instant]) -> bool:
        """Whether no record is late for any window of its pane; given the highest mark of each pane's records."""
        reached = self._watermark
        return all(self._window.first_end(pane) > max(own, reached) for pane, own in last_own.items())

    def _sort_out_late(
        self, batch: Batch, panes: list[Instant], encoded: list[bytes], groups: dict[Group, list[int]]
    ) -> None:
        """The same, when some records may be late for some windows, or for all, or give corrections."""
        late, view = [], self.contents.view(batch) if self._lateness_us else None
        for place, (pane, key, own) in enumerate(zip(panes, encoded, as_list(batch.own), strict=True)):
            turn = max(own, self._watermark)
            number = self._window.first_after(pane, turn - self._lateness_us)
            if number is None:
                late.append(place)
            elif self._lateness_us and self._window.first_end(pane) <= turn:
                self.stragglers.keep(key, turn, batch, view, place)
            else:
                groups.setdefault((pane, number, key), []).append(place)
        self.put_aside(batch, late)

    def add(self, folded: Iterable[tuple[Group, Content]]) -> None:
        """Merge folded groups into the state."""
        table = self.table
        if table.is_outside:
            folded = list(folded)
            for pane, keys in _keys_by_pane(folded).items():
                table.fetch(pane, keys)
        for (pane, number, key), content in folded:
            if pane not in self._panes:
                self.check_key(key)
                self._open(pane)
            entry = table.get(pane, key)
            if entry is None:
                entry = {number: content}
            else:
                known = entry.get(number)
                entry[number] = content if known is None else self.contents.add(known, content)
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
        view = self.contents.view(batch)
        columns = (as_list(column) for column in (batch.times, batch.own, batch.marks))
        changes: list[Result] = []
        for place, (key, time, own, mark) in enumerate(zip(encoded, *columns, strict=True)):
            if mark > self._watermark or len(changes) >= PIECE_RECORDS:
                self.emit_results(changes)
                changes = []
                yield from self._fire(max(mark, self._watermark))
            pane = self._window.pane_of(time)
            number = self._window.first_after(pane, max(own, self._watermark) - self._lateness_us)
            if number is None:
                self.put_aside(batch, [place])
            else:
                changes.extend(self._put(pane, number, key, self.contents.fold(view, [place])))
        self.emit_results(changes)

    def _put(self, pane: Instant, number: int, key: bytes, content: Content) -> list[Result]:
        """Put in one record; its windows that have fired, or all if every change is told, give their present result."""
        self.add([((pane, number, key), content)])
        ends = self._window.ends(pane)[number:]
        told = ends if self._emits_changes else [end for end in ends if end <= self._watermark]
        return [(end, value, self._watermark) for end in told for value in self._values(end, key)]

    # --- time ------------------------------------------------------------------------------------------------------

    def pass_time(self, watermark: Instant) -> Work:
        if watermark > self._watermark:
            yield from self._fire(watermark)
        self.pass_on(watermark)

    def _fire(self, watermark: Instant) -> Work:
        """Emit every window that is due, in order of end and key, and retire what nobody needs any more."""
        closed: list[Closed] = []
        while (time := self._next_time()) is not None and time <= watermark:
            if self._due and self._due[0] <= time:
                for one in self._close(heapq.heappop(self._due)):
                    closed.append(one)
                    if len(closed) >= PIECE_RECORDS:
                        yield from self.tell(closed)
                        yield
            else:
                yield from self.tell(closed)  # Before what they hold changes.
                self._watermark = max(self._watermark, time)
                self.emit_results(self._let_in(time))
        self._watermark = watermark
        yield from self.tell(closed)
        while self._retire and self._retire[0][0] <= watermark:
            _, pane = heapq.heappop(self._retire)
            self._panes.discard(pane)
            self.table.delete_namespace(pane)

    def _next_time(self) -> Instant | None:
        times = [*self._due[:1], *(time for time in [self.stragglers.next_turn()] if time is not None)]
        return min(times, default=None)

    def _close(self, end: Instant) -> Iterator[Closed]:
        self._scheduled.discard(end)
        if not self._emits_changes:
            start = end - self._window.size_us
            for key in self._keys(end):
                contents = self._content_of(end, key)
                if contents:
                    yield key, start, end, self.contents.merge(contents), end - 1

    def _let_in(self, turn: Instant) -> list[Result]:
        """Records that have waited for `turn` are put in, and correct what their windows gave."""
        results: list[Result] = []
        for key, time, content in self.stragglers.take():
            pane = self._window.pane_of(time)
            number = self._window.first_after(pane, turn - self._lateness_us)
            assert number is not None  # Or it would have been late.
            results.extend(self._put(pane, number, key, content))
        return results

    def _keys(self, end: Instant) -> list[bytes]:
        """The keys that have records in the window that ends at `end`, sorted."""
        found: dict[bytes, None] = {}
        for pane in self._window.panes(end):
            if pane in self._panes:
                found.update(dict.fromkeys(self.table.keys(pane)))
        return sorted(found)

    def _values(self, end: Instant, key: bytes) -> Iterable[Any]:
        contents = self._content_of(end, key)
        if not contents:
            return ()
        return self.results_of(key, end - self._window.size_us, end, self.contents.merge(contents))

    def _content_of(self, end: Instant, key: bytes) -> list[Content]:
        """What a window holds of a key, pane by pane."""
        contents: list[Content] = []
        for pane in self._window.panes(end):
            entry = self.table.get(pane, key) if pane in self._panes else None
            if entry is not None:
                if len(entry) == 1 and 0 in entry:
                    contents.append(entry[0])
                else:
                    here = self._window.number_of(pane, end)
                    contents.extend(content for number, content in entry.items() if number <= here)
        return contents

    def restored(self) -> None:
        super().restored()
        self._panes.clear()
        self._due.clear()
        self._scheduled.clear()
        self._retire.clear()
        self.stragglers.restored()
        for pane in self.table.namespaces():
            self._open(pane)

    def resume_at(self, watermark: Instant) -> None:
        super().resume_at(watermark)
        self._due = [end for end in self._due if end > watermark]
        heapq.heapify(self._due)
        self._scheduled = set(self._due)

    def open_windows(self) -> int:
        return len(self._due)


def _keys_by_pane(folded: list[tuple[Group, Content]]) -> dict[Instant, list[bytes]]:
    found: dict[Instant, list[bytes]] = {}
    for (pane, _, key), _ in folded:
        found.setdefault(pane, []).append(key)
    return found
