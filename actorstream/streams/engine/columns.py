"""Column operators: Polars expressions and functions over frames.

What each row becomes depends on that row alone. So where a batch fails, its parts are tried, until the rows are found
that fail: to name the first, or to let each follow the policy while the others go on.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from actorstream.errors import BadInput, OperatorError
from actorstream.model.instant import Instant
from actorstream.model.record import field_names
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import alone, fail
from actorstream.streams.engine.guard import FAILED, GuardedStage, Now
from actorstream.streams.engine.pausable import Work
from actorstream.streams.plan.nodes import Columns, MapBatches

if TYPE_CHECKING:
    import polars

ROW = " row"
"""The column that numbers the rows of a frame; no field of a Record can have such a name."""


class ColumnsStage(GuardedStage):
    """Expressions over columns; `made` says what they make of a batch."""

    def __init__(self, node: Columns, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._node = node

    @abstractmethod
    def made(self, batch: Batch) -> Batch:
        """What becomes of a batch; raises if it fails for one of its rows."""

    def push(self, batch: Batch) -> None:
        if not self.guard.is_plain:
            super().push(batch)
            return
        try:
            made = self.made(batch)
        except Exception as error:
            self._fail(batch, error)
        self.emit(made)

    def advance(self, watermark: Instant) -> None:
        if self.guard.is_plain:
            self.pass_on(watermark)
        else:
            super().advance(watermark)

    def work(self, batch: Batch) -> Work:
        made, error = self._tried(batch)
        if made is not None:
            self.emit(made)
        elif error is not None:
            yield from self._divide(batch, error)

    def _tried(self, batch: Batch) -> tuple[Batch | None, Exception | None]:
        handled = sys.exception()
        try:
            return self.made(batch), None
        except Exception as error:
            return None, alone(error, handled)

    def _divide(self, batch: Batch, error: Exception) -> Work:
        """The batch has failed: its halves; of one row, as the policy says."""
        if len(batch) == 1:
            again = partial(self.made, batch)
            result = yield from self.guard.rescue(error, again, batch, 0, batch.rows()[0])
            if result is not FAILED:
                self.emit(result)
            return
        middle = len(batch) // 2
        yield from self.work(batch.part(0, middle))
        yield from self.work(batch.part(middle, len(batch)))

    def _fail(self, batch: Batch, error: Exception) -> NoReturn:
        """Name the first row that fails."""
        while len(batch) > 1:
            middle = len(batch) // 2
            first = batch.part(0, middle)
            made, raised = self._tried(first)
            batch = batch.part(middle, len(batch)) if made is not None else first
            error = raised or self._tried(batch)[1] or error
        fail(self.name, batch, 0, error)


class SelectStage(ColumnsStage):
    """`select` and `with_columns`: one row for each."""

    def made(self, batch: Batch) -> Batch:
        frame = batch.frame()
        result = getattr(frame, self._node.operation)(*self._node.expressions)
        if result.height != frame.height:  # A literal alone has one row.
            result = frame.select(*(_stretched(result[name], frame.height) for name in result.columns))
        kind = self._node.type
        there = set(result.columns)  # Columns that nobody reads later may be missing.
        try:
            fitted = _fitted(result, kind, [name for name in field_names(kind) if name in there])
        except BadInput as error:
            raise ValueError(str(error)) from None  # Of the record, not of what the job was given.
        return batch.with_frame(fitted, kind)


def _fitted(frame: Any, kind: Any, columns: list[str] | None = None) -> Any:
    """The frame with the columns of a Record type, each value checked: what follows relies on them."""
    from actorstream.streams.frames import fit_frame

    return fit_frame(frame, kind, columns)


def _stretched(series: Any, height: int) -> Any:
    return series if len(series) == height else series.new_from_index(0, height)


class WhereStage(ColumnsStage):
    """`where`: the rows for which an expression is true."""

    def made(self, batch: Batch) -> Batch:
        frame = batch.frame()
        keep = frame.select(self._node.expressions[0]).to_series().fill_null(False)
        keep = _stretched(keep, frame.height)
        kept = frame.filter(keep)
        if kept.height == frame.height:
            return batch
        places = keep.arg_true()
        chosen = places.to_list() if _has_lists(batch) else places
        return batch.choose(chosen, kind=self._node.type, frame=kept)


def _has_lists(batch: Batch) -> bool:
    return any(isinstance(column, list) for column in (batch.times, batch.own, batch.marks, batch.offsets))


class MapBatchesStage(GuardedStage):
    """`map_batches`: a user's function over frames.

    If it raises and has a policy, it is called again with one row after the other: those it raises for have failed.
    If it drops or repeats rows, it is given a column more, which says whose times those have that it returns.
    """

    def __init__(self, node: MapBatches, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._node = node
        self._kind: Any = None if node.type is Any else node.type
        self._are_numbered = False

    def work(self, batch: Batch) -> Work:
        handled = sys.exception()
        try:
            made = self._made(batch)
        except Exception as error:
            if self.guard.is_plain:
                self._fail(batch, error)
            raised: Exception | None = alone(error, handled)
        else:
            raised = None
            self.emit(made)
        if isinstance(raised, OperatorError):
            raise raised
        if raised is not None:
            yield from self._row_by_row(batch)

    def _fail(self, batch: Batch, error: Exception) -> NoReturn:
        if isinstance(error, BadInput):
            raise OperatorError(self.name, f"a frame of {len(batch)} rows", cause=str(error)) from error
        fail(self.name, batch, 0, error)

    def _row_by_row(self, batch: Batch) -> Work:
        rows = batch.rows()
        for place in range(len(batch)):
            again = partial(self._made, batch.part(place, place + 1))
            try:
                made = again()
            except Exception as error:
                made = yield from self.guard.rescue(error, again, batch, place, rows[place])
            if made is not FAILED:
                self.emit(made)

    def _made(self, batch: Batch) -> Batch:
        """What the function makes of a batch.

        Raises:
            OperatorError: it is no frame, or whose time its rows should have cannot be told.
            BadInput: it does not fit the type.
        """
        from actorstream.streams.frames import record_type_of

        result, places = self._called(batch)
        if self._kind is None:
            self._kind = record_type_of(result.schema, self.name)
        fitted = _fitted(result, self._kind)
        if places is None:
            return batch.with_frame(fitted, self._kind)
        return batch.choose(places.to_list() if _has_lists(batch) else places, kind=self._kind, frame=fitted)

    def _called(self, batch: Batch) -> tuple[polars.DataFrame, polars.Series | None]:
        """What the function returns, and of which rows of the batch: None, where each stands in its place.

        The rows are numbered only if there have not been as many as were given: a function sees no column that it need
        not keep.
        """
        frame = batch.frame()
        if self._are_numbered:
            return self._numbered(frame)
        result = self._call(frame)
        if result.height == frame.height:
            return result, None
        numbered, rows = self._numbered(frame)
        if numbered.height != result.height:
            raise self._refusal(frame, f"{result.height} rows, and {numbered.height} with another column")
        self._are_numbered = True
        return numbered, rows

    def _numbered(self, frame: polars.DataFrame) -> tuple[polars.DataFrame, polars.Series]:
        result = self._call(frame.with_row_index(ROW))
        if not _is_numbered(result, frame.height):
            raise self._refusal(frame, f"{result.height} rows")
        result = result.sort(ROW, maintain_order=True)
        return result.drop(ROW), result[ROW]

    def _call(self, frame: polars.DataFrame) -> polars.DataFrame:
        import polars

        result = self._node.function(frame)
        if not isinstance(result, polars.DataFrame):
            raise self._refusal(frame, type(result).__name__)
        return result

    def _refusal(self, frame: polars.DataFrame, found: str) -> OperatorError:
        cause = (
            f"the function returned {found}; return a DataFrame with one row for each, or rows of the frame that was"
            " given, dropped or repeated, with all its columns"
        )
        return OperatorError(self.name, f"a frame of {frame.height} rows", cause=cause)


def _is_numbered(frame: polars.DataFrame, height: int) -> bool:
    """Whether each row still says which row of a frame of this height it was."""
    import polars

    if frame.schema.get(ROW) != polars.get_index_type():
        return False
    rows = frame[ROW]
    return not rows.null_count() and bool((rows < height).all())
