"""Column operators: Polars expressions over frames.

What each row becomes depends on that row alone. So where a batch fails, its parts are tried, until the rows are found
that fail: to name the first, or to let each follow the policy while the others go on.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from functools import partial
from typing import Any, NoReturn

from actorstream.errors import BadInput
from actorstream.model.instant import Instant
from actorstream.model.record import field_names
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import alone, fail
from actorstream.streams.engine.guard import FAILED, GuardedStage, Now
from actorstream.streams.engine.pausable import Work
from actorstream.streams.plan.nodes import Columns


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
            made = fitted(result, kind, [name for name in field_names(kind) if name in there])
        except BadInput as error:
            raise ValueError(str(error)) from None  # Of the record, not of what the job was given.
        return batch.with_frame(made, kind)


def fitted(frame: Any, kind: Any, columns: list[str] | None = None) -> Any:
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
        chosen = places.to_list() if has_lists(batch) else places
        return batch.choose(chosen, kind=self._node.type, frame=kept)


def has_lists(batch: Batch) -> bool:
    """Whether some of its times are no column."""
    return any(isinstance(column, list) for column in (batch.times, batch.own, batch.marks, batch.offsets))
