"""`map_batches`: a user's function over frames, which may drop rows and repeat them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from actorstream.errors import BadInput, OperatorError
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.columns import fitted, has_lists
from actorstream.streams.engine.failure import alone, fail
from actorstream.streams.engine.guard import FAILED, GuardedStage, Now
from actorstream.streams.engine.pausable import Work
from actorstream.streams.plan.nodes import MapBatches

if TYPE_CHECKING:
    import polars

ROW = " row"
"""The column that numbers the rows of a frame; no field of a Record can have such a name."""


class MapBatchesStage(GuardedStage):
    """`map_batches`: a user's function over frames.

    If it raises and has a policy, it is called again with one row after the other: those it raises for have failed.
    """

    def __init__(self, node: MapBatches, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._node = node
        self._kind: Any = None if node.type is Any else node.type
        self._function = RowFunction(node.name, node.function)

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
            OperatorError: it is no frame, or whose times its rows should have cannot be told.
            BadInput: it does not fit the type.
        """
        from actorstream.streams.frames import record_type_of

        result, places = self._function(batch.frame())
        if self._kind is None:
            self._kind = record_type_of(result.schema, self.name)
        frame = fitted(result, self._kind)
        if places is None:
            return batch.with_frame(frame, self._kind)
        return batch.choose(places.to_list() if has_lists(batch) else places, kind=self._kind, frame=frame)


class RowFunction:
    """A function over frames, and of which row that it was given each is that it returns.

    Mostly there are as many, and each stands in its place: then it is called once. If not, it is called again with a
    column that numbers the rows; and if what it returns has lost that column, with halves of the frame, their halves,
    and so on, until of a part all rows are there, or none, or it is one row. What it gives for the halves must then be
    what it gave for the whole.
    """

    def __init__(self, name: str, function: Callable[[Any], Any]) -> None:
        self._name, self._function = name, function
        self._keeps_numbers = True

    def __call__(self, frame: polars.DataFrame) -> tuple[polars.DataFrame, polars.Series | None]:
        """The result, and the places of its rows; None, where each stands in its own.

        Raises:
            OperatorError: it is no frame, or its rows depend on each other.
        """
        import polars

        result = self._call(frame)
        if result.height == frame.height:
            return result, None
        numbered = self._numbered(frame) if self._keeps_numbers else None
        if numbered is not None and numbered.height == result.height:
            return numbered.drop(ROW), numbered[ROW]
        self._keeps_numbers = False
        return result, polars.Series(self._places(frame, result, 0), dtype=polars.get_index_type())

    def _numbered(self, frame: polars.DataFrame) -> polars.DataFrame | None:
        """What it gives with a column of numbers, in their order; None if it cannot do with it, or loses it."""
        try:
            result = self._call(frame.with_row_index(ROW))
        except Exception:  # It has not failed with the columns that it knows.
            return None
        return result.sort(ROW, maintain_order=True) if _is_numbered(result, frame.height) else None

    def _places(self, frame: polars.DataFrame, result: polars.DataFrame, start: int) -> Sequence[int]:
        import polars

        if result.height == frame.height:
            return range(start, start + frame.height)
        if frame.height <= 1 or not result.height:
            return [start] * result.height
        middle = frame.height // 2
        halves = frame[:middle], frame[middle:]
        first, second = map(self._call, halves)
        if first.schema != second.schema or not polars.concat([first, second]).equals(result):
            raise self._refusal(frame, f"{result.height} rows, and {first.height} and {second.height} of its halves")
        return [*self._places(halves[0], first, start), *self._places(halves[1], second, start + middle)]

    def _call(self, frame: polars.DataFrame) -> polars.DataFrame:
        import polars

        result = self._function(frame)
        if not isinstance(result, polars.DataFrame):
            raise self._refusal(frame, type(result).__name__)
        return result

    def _refusal(self, frame: polars.DataFrame, found: str) -> OperatorError:
        cause = f"the function returned {found}; return a DataFrame in which no row depends on another row's values"
        return OperatorError(self._name, f"a frame of {frame.height} rows", cause=cause)


def _is_numbered(frame: polars.DataFrame, height: int) -> bool:
    """Whether each row still says which row of a frame of this height it was."""
    import polars

    if frame.schema.get(ROW) != polars.get_index_type():
        return False
    rows = frame[ROW]
    return not rows.null_count() and bool((rows < height).all())
