"""Aggregates over windows: accumulators in panes, folded from rows or from columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from actorstream.model.instant import Instant, to_datetime
from actorstream.streams import checks
from actorstream.streams.aggregates import Aggregate
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
        self._getters = [None if one.of is None else checks.getter(one.of) for one in self.aggregates]

    def columns(self, batch: Batch) -> list[list[Any] | None]:
        """For each aggregate what it is over, for each record; None for those over records as such."""
        rows = batch.rows()
        return [None if get is None else call_each(self._operator, get, batch, rows) for get in self._getters]

    def partials(self, columns: list[list[Any] | None], places: list[int]) -> Accumulators:
        """The accumulators of the records at `places`."""
        return [
            _partial(one, places if column is None else [column[place] for place in places])
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
    left = [value for value in values if value is not None]
    return aggregate.partial(left) if left else None


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
        in_time = batch.times is not None and self._window.first_end(
            vectors.smallest(batch.times) // self._pane_us * self._pane_us
        ) > self._limit(batch.own[-1])
        if batch.is_columns and in_time and self._columns is not None:
            folded = vectors.fold(batch, self._pane_us, self._key_fields, self._folding.aggregates)
            if folded is not None:
                panes, keys, accumulators = folded
                encoded = self._encoder.encode_all(keys)
                groups = ((pane, 0, key) for pane, key in zip(panes, encoded, strict=True))
                self.add(zip(groups, accumulators, strict=True))
                return
        super().take(batch)

    def fold(self, batch: Batch, groups: dict[Group, list[int]]) -> Iterable[tuple[Group, Content]]:
        columns = self._folding.columns(batch)
        return ((group, self._folding.partials(columns, places)) for group, places in groups.items())

    def merge(self, one: Content, other: Content) -> Content:
        return self._folding.merge(one, other)

    def results(self, key: Any, start: Instant, end: Instant, content: Content) -> Iterable[Any]:
        parts = key if len(self._key_fields) > 1 else (key,)
        yield self._build([*parts, to_datetime(start), to_datetime(end), *self._folding.results(content)])
