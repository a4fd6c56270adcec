"""Aggregates over windows: accumulators in panes, folded from rows or from columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from actorstream.model.columns import column_of
from actorstream.model.instant import Instant, to_datetime
from actorstream.model.record import Record
from actorstream.streams import checks
from actorstream.streams.aggregates import Aggregate, Getter
from actorstream.streams.engine import vectors
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import call_each
from actorstream.streams.engine.panes import Content, Group, PanesStage
from actorstream.streams.plan.nodes import KeyBy, WindowAggregate
from actorstream.streams.results import builder

Accumulators = list[Any]


class Folding:
    """Folds groups of records into accumulators, one a named aggregate; None where no value was left."""

    def __init__(self, operator: str, aggregates: Sequence[tuple[str, Aggregate]]) -> None:
        self._operator = operator
        self.aggregates = [one for _, one in aggregates]

    def columns(self, batch: Batch) -> list[list[Any] | None]:
        """For each aggregate what it is over, for each record; None for those over records as such."""
        rows = batch.rows()
        return [self._column(batch, rows, one.of) for one in self.aggregates]

    def _column(self, batch: Batch, rows: list[Any], of: Getter | None) -> list[Any] | None:
        if of is None:
            return None
        if isinstance(of, str) and rows and isinstance(rows[0], Record):
            return column_of(of)(rows)
        return call_each(self._operator, checks.getter(of), batch, rows)

    def partials(self, columns: list[list[Any] | None], places: list[int]) -> Accumulators:
        """The accumulators of the records at `places`."""
        return [
            one.partial(places) if column is None else _partial(one, [column[place] for place in places])
            for one, column in zip(self.aggregates, columns, strict=True)
        ]

    def merge(self, one: Accumulators, other: Accumulators) -> Accumulators:
        """The accumulators of both groups."""
        return [
            right if left is None else left if right is None else aggregate.merge(left, right)
            for aggregate, left, right in zip(self.aggregates, one, other, strict=True)
        ]

    def results(self, accumulators: Accumulators) -> list[Any]:
        """What the user sees."""
        return [one.result(accumulator) for one, accumulator in zip(self.aggregates, accumulators, strict=True)]


def _partial(aggregate: Aggregate, values: Sequence[Any]) -> Any:
    if None in values:
        values = [value for value in values if value is not None]
    return aggregate.partial(values) if values else None


class WindowAggregateStage(PanesStage):
    """`windowed.aggregate`: rows or columns in, one Record a key and window out."""

    def __init__(self, node: WindowAggregate) -> None:
        super().__init__(node, dict[int, list[Any]])
        self._folding = Folding(node.name, node.aggregates)
        key = node.inputs[0]
        assert isinstance(key, KeyBy)
        self._key_fields = key.fields
        self._columns = vectors.needed_columns(key, self._folding.aggregates)
        names = tuple(name for name, _ in node.aggregates)
        self._build = builder(node.type, node.key_names, names, window=True)

    def take(self, batch: Batch) -> None:
        if not (batch.is_columns and self._columns is not None and self._take_columns(batch)):
            super().take(batch)

    def _take_columns(self, batch: Batch) -> bool:
        """Fold columns; False if a column's type, or a record that may be late, needs the way over rows."""
        folded = vectors.fold(batch, self._pane_us, self._key_fields, self._folding.aggregates)
        if folded is None or not self.are_in_time(folded.last_own):
            return False
        encoded = self._encoder.encode_all(folded.keys)
        groups = ((pane, 0, key) for pane, key in zip(folded.panes, encoded, strict=True))
        self.add(zip(groups, folded.accumulators, strict=True))
        return True

    def fold(self, batch: Batch, groups: dict[Group, list[int]]) -> Iterable[tuple[Group, Content]]:
        columns = self._folding.columns(batch)
        return ((group, self._folding.partials(columns, places)) for group, places in groups.items())

    def merge(self, one: Content, other: Content) -> Content:
        return self._folding.merge(one, other)

    def results(self, key: Any, start: Instant, end: Instant, content: Content) -> Iterable[Any]:
        parts = key if len(self._key_fields) > 1 else (key,)
        yield self._build([*parts, to_datetime(start), to_datetime(end), *self._folding.results(content)])
