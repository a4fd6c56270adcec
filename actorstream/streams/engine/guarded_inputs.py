"""Calls the functions of aggregates under a failure policy: in front of the stage that folds.

A record that one of them fails on is left out of all, so the stage behind is never given it, and its state does not
know of it. The stage folds what was computed here: no function is called twice, but that each record is first folded by
itself with an aggregate of the user's own, and, where the values of a batch cannot be folded together, with any other.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from actorstream.streams import checks
from actorstream.streams.aggregates import Aggregate
from actorstream.streams.engine.aggregate import Folding
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.guard import GuardedStage, Now, kept
from actorstream.streams.engine.inputs import inputs_of
from actorstream.streams.engine.pausable import Pause, Work
from actorstream.streams.plan.nodes import RunningAggregate, WindowAggregate

Column = list[Any] | None


class GuardedInputsStage(GuardedStage):
    """See the module. `folding` is that of the stage behind."""

    def __init__(self, node: WindowAggregate | RunningAggregate, folding: Folding, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._folding = folding
        self._only_fields = all(one.fields is not None for one in folding.aggregates)

    def work(self, batch: Batch) -> Work:
        if not (batch.is_columns and self._only_fields):  # Columns are of their types: nothing can fail.
            batch, columns = yield from self._columns(batch)
            self._folding.computed = batch, columns
        self.emit(batch)

    def _columns(self, batch: Batch) -> Generator[Pause, None, tuple[Batch, list[Column]]]:
        """For each aggregate what it is over, for each record that none of them fails on."""
        values: list[Column] = []
        aggregates = self._folding.aggregates
        for one in aggregates:
            if one.of is None:
                values.append(None)
            else:
                batch, values, results = yield from self._each(checks.getter(one.of), batch, batch.rows(), values)
                values.append(results)
        columns = [inputs_of(self.name, one, batch, known) for one, known in zip(aggregates, values, strict=True)]
        for place, one in enumerate(aggregates):
            column = columns[place]
            if column is not None and not _folds(one, column):
                batch, columns, _ = yield from self._each(_alone(one), batch, column, columns)
        return batch, columns

    def _each(
        self, function: Callable[[Any], Any], batch: Batch, values: list[Any], columns: list[Column]
    ) -> Generator[Pause, None, tuple[Batch, list[Column], list[Any]]]:
        """`function` of each value; the batch and the columns without the records that it failed on."""
        rows = batch.rows()
        places = range(len(values))
        failed, results = yield from self.guard.each(
            lambda place: function(values[place]), batch, places, shown=lambda place: rows[place]
        )
        if failed:
            left = kept(failed, len(batch))
            batch = batch.choose(left)
            columns = [None if one is None else [one[place] for place in left] for one in columns]
        return batch, columns, results


def _folds(one: Aggregate, column: list[Any]) -> bool:
    """Whether all values can be folded together; of functions of the user's own only each by itself tells."""
    if one.takes == "records":
        return False
    present = [value for value in column if value is not None]
    try:
        if present:
            one.partial(present)
    except Exception:
        return False
    return True


def _alone(one: Aggregate) -> Callable[[Any], Any]:
    return lambda value: None if value is None else one.partial([value])
