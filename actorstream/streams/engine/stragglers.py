"""Records behind their own split's mark that are still taken: they wait until the merged watermark has come that far.

By then every window that is final for such a record has fired, in whatever order splits were read; and what is put into
others meanwhile makes no difference to those. So such records have their turn between the firing of windows: after all
that end at or before their mark, in order of that mark, then of partition and offset.
"""

from __future__ import annotations

import heapq
from typing import Any, NamedTuple

from actorstream.model.instant import Instant
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.contents import Content, Contents, View
from actorstream.streams.store.table import StateTable

_Kept = tuple[int, int, Instant, Content]  # (partition, offset, time, the record by itself)


class Straggler(NamedTuple):
    """One record: its key, its time, its content."""

    key: bytes
    time: Instant
    content: Content


class Stragglers:
    """See the module. `table` is part of its stage's state: for each turn and key the records that wait."""

    def __init__(self, contents: Contents) -> None:
        kind = contents.kind
        kept = tuple[int, int, int, kind]  # type: ignore[valid-type]
        self.table: StateTable[list[_Kept]] = StateTable("stragglers", list[kept])
        self._contents = contents
        self._turns: list[Instant] = []  # heap

    def keep(self, key: bytes, turn: Instant, batch: Batch, view: View, place: int) -> None:
        """A record of a batch waits for `turn`."""
        offset = 0 if batch.offsets is None else int(batch.offsets[place])
        content = self._contents.fold(view, [place])
        waiting = self.table.get(turn, key) or []
        waiting.append((batch.origin.partition, offset, int(batch.times[place]), content))
        if turn not in self._turns:
            heapq.heappush(self._turns, turn)
        self.table.put(turn, key, waiting)

    def next_turn(self) -> Instant | None:
        """Whose turn is next."""
        return self._turns[0] if self._turns else None

    def take(self) -> list[Straggler]:
        """Those whose turn is next, in order; they wait no more."""
        turn = heapq.heappop(self._turns)
        waiting: list[tuple[bytes, Any]] = [(key, one) for key, kept in self.table.items(turn) for one in kept]
        waiting.sort(key=lambda pair: (*pair[1][:2], pair[0]))
        self.table.delete_namespace(turn)
        return [Straggler(key, time, content) for key, (_, _, time, content) in waiting]

    def restored(self) -> None:
        """The table was loaded or rolled back."""
        self._turns = list(self.table.namespaces())  # Sorted, so it is a heap.
