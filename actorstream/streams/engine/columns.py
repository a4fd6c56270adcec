"""Column operators: Polars expressions and functions over frames."""

from __future__ import annotations

from functools import partial
from typing import Any

from actorstream.errors import BadInput, OperatorError
from actorstream.model.record import field_names
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import fail
from actorstream.streams.engine.guard import FAILED, GuardedStage, Now
from actorstream.streams.engine.pausable import Work
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.nodes import Columns, MapBatches


class SelectStage(Stage):
    """`select` and `with_columns`: one row for each."""

    def __init__(self, node: Columns) -> None:
        super().__init__(node.name)
        self._node = node

    def push(self, batch: Batch) -> None:
        frame = batch.frame()
        try:
            result = getattr(frame, self._node.operation)(*self._node.expressions)
        except Exception as error:
            fail(self.name, batch, 0, error)
        if result.height != frame.height:  # A literal alone has one row.
            result = frame.select(*(_stretched(result[name], frame.height) for name in result.columns))
        kind = self._node.type
        there = set(result.columns)  # Columns that nobody reads later may be missing.
        fitted = _fitted(self.name, result, kind, [name for name in field_names(kind) if name in there])
        self.emit(batch.with_frame(fitted, kind))


def _fitted(operator: str, frame: Any, kind: Any, columns: list[str] | None = None) -> Any:
    """The frame with the columns of a Record type, each value checked: what follows relies on them."""
    from actorstream.streams.frames import fit_frame

    try:
        return fit_frame(frame, kind, columns)
    except BadInput as error:
        raise OperatorError(operator, f"a frame of {frame.height} rows", cause=str(error)) from error


def _stretched(series: Any, height: int) -> Any:
    return series if len(series) == height else series.new_from_index(0, height)


class WhereStage(Stage):
    """`where`: the rows for which an expression is true."""

    def __init__(self, node: Columns) -> None:
        super().__init__(node.name)
        self._node = node

    def push(self, batch: Batch) -> None:
        frame = batch.frame()
        try:
            keep = frame.select(self._node.expressions[0]).to_series().fill_null(False)
            keep = _stretched(keep, frame.height)
            kept = frame.filter(keep)
        except Exception as error:
            fail(self.name, batch, 0, error)
        if kept.height == frame.height:
            self.emit(batch)
            return
        places = keep.arg_true()
        chosen = places.to_list() if _has_lists(batch) else places
        self.emit(batch.choose(chosen, kind=self._node.type, frame=kept))


def _has_lists(batch: Batch) -> bool:
    return any(isinstance(column, list) for column in (batch.times, batch.own, batch.marks, batch.offsets))


class MapBatchesStage(GuardedStage):
    """`map_batches`: a user's function over frames.

    If it raises and has a policy, it is called again with one row after the other: those it raises for have failed.
    """

    def __init__(self, node: MapBatches, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._node = node
        self._kind: Any = None if node.type is Any else node.type

    def work(self, batch: Batch) -> Work:
        try:
            result = self._node.function(batch.frame())
        except Exception as error:
            if self.guard.is_plain:
                fail(self.name, batch, 0, error)
            yield from self._row_by_row(batch)
        else:
            self._emit_frame(batch, result)

    def _row_by_row(self, batch: Batch) -> Work:
        frame, rows = batch.frame(), batch.rows()
        for place in range(len(batch)):
            again = partial(self._node.function, frame[place : place + 1])
            try:
                result = again()
            except Exception as error:
                result = yield from self.guard.rescue(error, again, batch, place, rows[place])
            if result is not FAILED:
                self._emit_frame(batch.part(place, place + 1), result)

    def _emit_frame(self, batch: Batch, result: Any) -> None:
        import polars

        from actorstream.streams.frames import record_type_of

        if not isinstance(result, polars.DataFrame) or result.height != len(batch):
            found = f"{result.height} rows" if isinstance(result, polars.DataFrame) else type(result).__name__
            raise OperatorError(
                self.name,
                f"a frame of {len(batch)} rows",
                cause=f"the function returned {found}; return a DataFrame with one row for each (where() drops rows)",
            )
        if self._kind is None:
            self._kind = record_type_of(result.schema, self.name)
        self.emit(batch.with_frame(_fitted(self.name, result, self._kind), self._kind))
