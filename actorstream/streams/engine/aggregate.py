"""Aggregates over windows: accumulators in panes, folded from rows or from columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import chain
from typing import Any

from actorstream.errors import Mistake, OperatorError
from actorstream.model.instant import Instant, to_datetime
from actorstream.streams import checks
from actorstream.streams.aggregates import Aggregate
from actorstream.streams.engine import vectors
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.contents import Content, Contents, View
from actorstream.streams.engine.failure import cause_of, fail, failed, show
from actorstream.streams.engine.inputs import inputs_of
from actorstream.streams.engine.panes import PanesStage
from actorstream.streams.engine.partials import Partial, are_partials
from actorstream.streams.plan.nodes import WindowAggregate
from actorstream.streams.plan.partial import key_of
from actorstream.streams.results import builder

Accumulators = tuple[Any, ...]
Columns = list[list[Any] | None]


def _type_of(values: Any, one: Aggregate) -> Any:
    """The type of what is aggregated: the field's, or what the function is annotated to return."""
    return checks.result_type(one.of) if callable(one.of) else checks.field_type(values, one.of)


class Folding:
    """Folds groups of records into accumulators, one a named aggregate; None where no value was left.

    `computed`: a batch, and what `columns` is to give for it, if that is known.
    """

    def __init__(self, operator: str, aggregates: Sequence[tuple[str, Aggregate]]) -> None:
        self._operator = operator
        self.aggregates = [one for _, one in aggregates]
        self._merges = [one.merge for one in self.aggregates]
        self._absorbs = any(one.absorbs for one in self.aggregates)
        self.computed: tuple[Batch, Columns] | None = None
        self._absorb_order = sorted(range(len(aggregates)), key=lambda place: self.aggregates[place].absorbs)

    def columns(self, batch: Batch) -> Columns:
        """For each aggregate what it is over, for each record; None for those over records as such."""
        if self.computed is not None and self.computed[0] is batch:
            return self.computed[1]
        return [inputs_of(self._operator, one, batch) for one in self.aggregates]

    def kind(self, values: Any) -> Any:
        """The type of the accumulators, as far as it is known; `values` is the records' type."""
        of = [one.accumulator_type(_type_of(values, one)) for one in self.aggregates]
        return tuple[tuple(one | None for one in of)] if Any not in of else tuple  # type: ignore[misc]

    def partials(self, columns: Columns, places: Sequence[int]) -> Accumulators:
        """The accumulators of the records at `places`."""
        return tuple(
            one.partial(places) if column is None else self._partial(one, [column[place] for place in places])
            for one, column in zip(self.aggregates, columns, strict=True)
        )

    def partials_of_all(self, columns: Columns, groups: Sequence[Sequence[int]]) -> list[Accumulators]:
        """The accumulators of several groups of records: one aggregate after the other, so that each costs little."""
        if not self.aggregates:
            return [()] * len(groups)
        every = [
            list(map(one.partial, groups)) if column is None else self._partial_of_all(one, column, groups)
            for one, column in zip(self.aggregates, columns, strict=True)
        ]
        return list(zip(*every, strict=True))

    def _partial_of_all(
        self, aggregate: Aggregate, column: Sequence[Any], groups: Sequence[Sequence[int]]
    ) -> list[Any]:
        value_of, partial = column.__getitem__, aggregate.partial
        if None not in column:
            try:
                return [partial(list(map(value_of, places))) for places in groups]
            except Exception:
                pass
        return [self._partial(aggregate, list(map(value_of, places))) for places in groups]

    def _partial(self, aggregate: Aggregate, values: Sequence[Any]) -> Any:
        if None in values:
            values = [value for value in values if value is not None]
        try:
            return aggregate.partial(values) if values else None
        except Exception as error:
            raise self._failed(aggregate, values, error) from error

    def merge(self, one: Accumulators, other: Accumulators) -> Accumulators:
        """The accumulators of both groups."""
        try:
            return tuple(
                [
                    right if left is None else left if right is None else merge(left, right)
                    for merge, left, right in zip(self._merges, one, other, strict=True)
                ]
            )
        except Exception:
            pass
        return tuple(
            right if left is None else left if right is None else self._merge(aggregate, left, right, aggregate.merge)
            for aggregate, left, right in zip(self.aggregates, one, other, strict=True)
        )

    def absorb(self, one: Accumulators, other: Accumulators) -> Accumulators:
        """The same as `merge`; may change `one`, but not if it fails: what can fail comes first."""
        if not self._absorbs:
            return self.merge(one, other)
        merged: list[Any] = [None] * len(one)
        for place in self._absorb_order:
            aggregate, left, right = self.aggregates[place], one[place], other[place]
            if left is None or right is None:
                merged[place] = right if left is None else left
            else:
                merged[place] = self._merge(aggregate, left, right, aggregate.absorb)
        return tuple(merged)

    def _merge(self, aggregate: Aggregate, left: Any, right: Any, merge: Callable[[Any, Any], Any]) -> Any:
        try:
            return merge(left, right)
        except Mistake:
            raise
        except Exception as error:
            raise self._failed(aggregate, (left, right), error) from error

    def _failed(self, aggregate: Aggregate, values: Sequence[Any], error: Exception) -> OperatorError:
        return failed(self._operator, f"{aggregate} of {show(values)}", error)

    def results(self, accumulators: Accumulators) -> list[Any]:
        """What the user sees."""
        return [self._result(one, accumulator) for one, accumulator in zip(self.aggregates, accumulators, strict=True)]

    def results_of_all(self, contents: Sequence[Accumulators]) -> list[list[Any]]:
        """For each aggregate what the user sees of several groups."""
        return [
            self._results(one, [content[place] for content in contents]) for place, one in enumerate(self.aggregates)
        ]

    def _results(self, aggregate: Aggregate, accumulators: list[Any]) -> list[Any]:
        try:
            return list(map(aggregate.result, accumulators))
        except Exception:
            pass
        return [self._result(aggregate, one) for one in accumulators]

    def _result(self, aggregate: Aggregate, accumulator: Any) -> Any:
        try:
            return aggregate.result(accumulator)
        except Mistake:
            raise
        except Exception as error:
            raise self._failed(aggregate, (accumulator,), error) from error


class Aggregated(Contents):
    """`windowed.aggregate`: content is the accumulators; one Record a key and window."""

    gives_one = True

    def __init__(self, node: WindowAggregate) -> None:
        key = key_of(node)
        self._operator = node.name
        self.folding = Folding(node.name, node.aggregates)
        self.kind = self.folding.kind(key.type)
        self._parts = len(key.fields)
        names = tuple(name for name, _ in node.aggregates)
        self._build = builder(node.type, node.key_names, names, window=True)

    def view(self, batch: Batch) -> View:
        return batch, self.folding.columns(batch)

    def fold(self, view: View, places: Sequence[int]) -> Content:
        return self.fold_all(view, [places])[0]

    def fold_all(self, view: View, groups: Sequence[Sequence[int]]) -> list[Content]:
        batch, columns = view
        try:
            return list(self.folding.partials_of_all(columns, groups))
        except OperatorError as error:
            raised = error
        self._name_record(batch, columns, [place for places in groups for place in places])
        raise raised

    def _name_record(self, batch: Batch, columns: Columns, places: Sequence[int]) -> None:
        """Raise for the first record that cannot be folded even by itself."""
        for place in places:
            try:
                self.folding.partials(columns, [place])
            except OperatorError as error:
                fail(self._operator, batch, place, cause_of(error), shown=error.record)

    def merge(self, contents: Sequence[Content]) -> Content:
        return contents[0] if len(contents) == 1 else reduce(self.folding.merge, contents)

    def add(self, known: Content, more: Content) -> Content:
        return self.folding.absorb(known, more)

    def results(self, key: Any, start: Instant, end: Instant, content: Content) -> Iterable[Any]:
        parts = key if self._parts > 1 else (key,)
        yield self._build([*parts, to_datetime(start), to_datetime(end), *self.folding.results(content)])

    def results_of_all(
        self, keys: Sequence[Any], bounds: Sequence[tuple[Instant, Instant]], contents: Sequence[Content]
    ) -> list[Any]:
        instants = {instant: to_datetime(instant) for instant in dict.fromkeys(chain.from_iterable(bounds))}
        parts = list(zip(*keys, strict=True)) if self._parts > 1 else [keys]
        between = ([instants[bound[place]] for bound in bounds] for place in (0, 1))
        columns = [*parts, *between, *self.folding.results_of_all(contents)]
        return list(map(self._build, zip(*columns, strict=True)))


class AggregatePanesStage(PanesStage):
    """Aggregates in panes: from columns, where they can be folded by Polars, as from rows."""

    def __init__(self, node: WindowAggregate, contents: Aggregated) -> None:
        super().__init__(node, contents)
        key = key_of(node)
        self._aggregates = contents.folding.aggregates
        self._key_fields = key.fields
        self._in_columns = vectors.can_fold(key, self._aggregates)

    def take(self, batch: Batch) -> None:
        if are_partials(batch):
            self._take_partials(batch.rows())
        elif not (batch.is_columns and self._in_columns and self._take_columns(batch)):
            super().take(batch)

    def _take_columns(self, batch: Batch) -> bool:
        """Fold columns; False if a column's type, or a record that may be late, needs the way over rows."""
        folded = vectors.fold(batch, self._pane_us, self._key_fields, self._aggregates)
        if folded is None or not self.are_in_time(folded.last_own):
            return False
        encoded = self._encoder.encode_all(folded.keys)
        groups = ((pane, 0, key) for pane, key in zip(folded.panes, encoded, strict=True))
        self.add(zip(groups, folded.accumulators, strict=True))
        return True

    def _take_partials(self, partials: Sequence[Partial]) -> None:
        """Merge what was folded before; none is late but where an idle split was passed over."""
        reached = self._watermark
        numbers = {one.pane: self._window.first_after(one.pane, reached) for one in partials}
        in_time = []
        for pane, key, records, accumulators in partials:
            number = numbers[pane]
            if number is None:
                self.late_records += records
            else:
                in_time.append(((pane, number, key), accumulators))
        self.add(in_time)
