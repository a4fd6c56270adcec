"""Folds each batch into partial aggregates, before it goes to the task that merges them.

Rows are folded one group after the other, so that pays only where a group has several records: after a large batch in
which it did not, some go on as they are.
"""

from __future__ import annotations

from actorstream.model.instant import Instant
from actorstream.streams.engine import vectors
from actorstream.streams.engine.aggregate import Folding
from actorstream.streams.engine.batch import Batch, as_list
from actorstream.streams.engine.keys import KeyEncoder, keys_of
from actorstream.streams.engine.partials import Partial
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.partial import PreAggregate, key_of

_RECORDS_MIN = 2  # For each group of a batch of rows, on average.
_LARGE = 256  # Records of a batch that counts; smaller ones come where there is time enough.
_BATCHES_AS_THEY_ARE = 16  # After a large one with less.


class PreAggregateStage(Stage):
    """See the module. Records that are late for some window of their pane go on as they are."""

    def __init__(self, node: PreAggregate) -> None:
        super().__init__(node.name)
        self._key = key_of(node)
        self._window = node.window
        self._folding = Folding(node.operator, node.aggregates)
        self._in_columns = vectors.can_fold(self._key, self._folding.aggregates)
        self._encoder = KeyEncoder(self._key)
        self._as_they_are = 0

    def push(self, batch: Batch) -> None:
        partials = self._of_columns(batch) if batch.is_columns and self._in_columns and len(batch) else None
        if partials is not None:
            self.emit(Batch(partials, kind=Partial))
        elif self._as_they_are:
            self._as_they_are -= 1
            self.emit(batch)
        else:
            self._push_rows(batch)

    def _of_columns(self, batch: Batch) -> list[Partial] | None:
        folded = vectors.fold(batch, self._window.pane_us, self._key.fields, self._folding.aggregates)
        if folded is None:
            return None
        if not all(self._window.first_end(pane) > own for pane, own in folded.last_own.items()):
            left = self._without_late(batch)
            return self._of_columns(left) if len(left) else []
        encoded = self._encoder.encode_all(folded.keys)
        return list(map(Partial, folded.panes, encoded, folded.lengths, folded.accumulators))

    def _push_rows(self, batch: Batch) -> None:
        groups: dict[tuple[Instant, bytes], list[int]] = {}
        batch = self._without_late(batch)
        panes = map(self._window.pane_of, as_list(batch.times))
        encoded = self._encoder.encode_all(keys_of(batch, self._key))
        for place, pair in enumerate(zip(panes, encoded, strict=True)):
            groups.setdefault(pair, []).append(place)
        if _LARGE <= len(batch) < len(groups) * _RECORDS_MIN:
            self._as_they_are = _BATCHES_AS_THEY_ARE
            self.emit(batch)
            return
        folded = self._folding.partials_of_all(self._folding.columns(batch), list(groups.values()))
        partials = [
            Partial(pane, key, len(places), accumulators)
            for ((pane, key), places), accumulators in zip(groups.items(), folded, strict=True)
        ]
        self.emit(Batch(partials, kind=Partial))

    def _without_late(self, batch: Batch) -> Batch:
        """The records that are in time for all windows of their pane; the others go on as they are."""
        first_end, pane_of = self._window.first_end, self._window.pane_of
        in_time: list[int] = []
        late: list[int] = []
        for place, (time, own) in enumerate(zip(as_list(batch.times), as_list(batch.own), strict=True)):
            (in_time if first_end(pane_of(time)) > own else late).append(place)
        if not late:
            return batch
        self.emit(batch.choose(late))
        return batch.choose(in_time)
