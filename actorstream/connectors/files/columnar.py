"""Parquet: columns, read in slices and only those that are wanted.

A slice of a file is read at a time, so that memory stays flat however large the file is. Row numbers count from 0.

Where the rows that matter are known by a condition, Polars leaves out the others as it reads, whole row groups by their
statistics. It may only where the file holds the columns of the condition as the fields ask; a row that is left in by
mistake does no harm, because the condition is asked again later.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from actorstream.connectors.files.format import BadLine, Mark, Part
from actorstream.connectors.files.opening import open_file
from actorstream.connectors.files.values import fitting
from actorstream.errors import BadInput, PlanError
from actorstream.model.record import Record, field_names, is_record_type
from actorstream.streams.frames import BadCell, fit_frame, frame_to_rows, frame_to_store, polars_schema, rows_to_frame

if TYPE_CHECKING:
    import polars

T = TypeVar("T")

EMPTY_SLICES_MAX = 16
"""After so many slices without a row that matters, a read says how far it is."""

_ROW = "__actorstream_row"  # The column of row numbers.

CHUNK_ROWS_MAX = 262_144
"""The most rows that one read gives."""

SLICE_ROWS = 4 * CHUNK_ROWS_MAX
"""Rows read from the file at once; a slice in the middle of a row group costs again what lies before it there."""


class Columnar:
    """The format. `type` is the Record type of the rows."""

    name = "parquet"
    endings: tuple[str, ...] = (".parquet", ".pq")
    blocking = True
    columnar = True

    def __init__(self, kind: type[Record], conditions: Sequence[Any] = ()) -> None:
        self._conditions = conditions
        if not is_record_type(kind):
            raise PlanError(f"Parquet needs a Record type, which says what the columns hold; {kind!r} is none")
        self.type: Any = kind

    def where(self, conditions: Sequence[Any]) -> Columnar:
        """The format, but rows for which one of these Polars expressions is not true may be left out."""
        return Columnar(self.type, conditions)

    def open(self, path: str, mark: Mark | None, columns: tuple[str, ...] | None) -> ColumnarPass:
        """A pass from a mark; it gives frames of `columns`, or Records when that is None.

        Raises:
            BadInput: the file cannot be opened, is not Parquet, or lacks a column.
        """
        return ColumnarPass(path, self.type, (mark or {}).get("row", 0), columns, self._conditions)

    def encoder(self) -> ColumnarEncoder:
        """For one new file.

        Raises:
            BadInput: a field's type is one that Parquet cannot keep.
        """
        return ColumnarEncoder(self.type)

    def takes_frames(self, kind: type[Record]) -> bool:
        """Frames of the type are what is written anyway."""
        return issubclass(kind, self.type)


class ColumnarPass:
    """One pass through a file. Its mark: `row`, how many rows lie before."""

    def __init__(
        self, path: str, kind: type[Record], row: int, columns: tuple[str, ...] | None, conditions: Sequence[Any]
    ) -> None:
        open_file(path, 0).close()
        self._path, self._kind = path, kind
        self._columns = columns if columns is None else columns or field_names(kind)[:1]
        self._row, self._rows = row, 0
        self._conditions = conditions
        self._slice: polars.DataFrame | None = None  # What is left of it; it begins at `_row`.
        self._slice_end = row
        self._bad: BadCell | None = None  # It comes after the rows before it.
        self._careful_rows = CHUNK_ROWS_MAX
        self._open()
        if row > self._rows:
            raise BadInput(
                f"{path} has {self._rows} rows, but the job has read {row} rows of it; put the file back as it was, or "
                "start the job in a new data directory"
            )

    def _open(self) -> None:
        import polars

        scan = polars.scan_parquet(self._path, glob=False, row_index_name=_ROW)
        schema = self._asked(scan.collect_schema)
        there = [name for name in schema.names() if name != _ROW]
        self._conditions = [one for one in self._conditions if self._is_clear(one, schema)]
        self._rows = self._asked(lambda: int(scan.select(polars.len()).collect().item()))
        wanted = set(field_names(self._kind) if self._columns is None else self._columns)
        # One column at least, because a frame without columns has no rows.
        self._wanted = [name for name in there if name in wanted] or there[:1]
        self._scan = scan
        try:
            self._fit(self._asked(lambda: self._scan.head(0).select(self._wanted).collect()))
        except BadInput as error:
            raise BadInput(f"{self._path}: {error}") from error

    def _is_clear(self, condition: Any, schema: Any) -> bool:
        """Whether a condition means for the file's columns what it means for the fields."""
        fields = polars_schema(self._kind)
        return all(name in schema and schema[name] == fields[name] for name in condition.meta.root_names())

    def read(self, limit: int, final: bool) -> Part | None:
        """Up to `limit` rows; None at the end.

        After a bad row few rows are tried at once, then more and more: many bad ones cost no more than they must.
        """
        if self._bad is not None:
            raise self._past_bad(self._bad)
        frame = self._take(min(limit, self._careful_rows))
        if frame is None:
            return None if self._row >= self._rows else Part([], {"row": self._row})
        try:
            values = self._fit(frame)
            self._careful_rows = min(2 * self._careful_rows, CHUNK_ROWS_MAX)
        except BadCell as error:
            if error.row is None:
                raise BadInput(f"{self._path}: {error}") from error
            self._bad, self._careful_rows = error, max(1, error.row)
            if error.row == 0:
                raise self._past_bad(error) from error
            frame = frame.head(error.row)
            values = self._fit(frame)
        self._go_on(frame.height)
        return Part(values, {"row": self._row})

    def close(self) -> None:
        """Let go of the slice."""
        self._slice = None

    def _past_bad(self, bad: BadCell) -> BadLine:
        where = f"row {self._row}" if bad.column is None else f"row {self._row}, column {bad.column!r}"
        self._bad = None
        self._go_on(1)
        return BadLine(self._path, where, bad.reason, repr(bad.value), {"row": self._row})

    def _take(self, limit: int) -> polars.DataFrame | None:
        """The next rows, from the slice at hand or a new one; None if there are none, or none so far."""
        for _ in range(EMPTY_SLICES_MAX):
            if self._slice is not None and self._slice.height:
                return self._slice.head(limit).select(self._wanted)
            if self._row >= self._rows:
                return None
            self._slice = self._loaded()
            self._slice_end = min(self._row + SLICE_ROWS, self._rows)
            self._go_on(0)
        return None

    def _loaded(self) -> polars.DataFrame:
        try:
            return self._asked(lambda: self._rows_from(self._row).collect())
        except BadInput:
            if not self._conditions:
                raise
            self._conditions = []  # If it was one of these, the operator that it comes from says for which record.
            return self._asked(lambda: self._rows_from(self._row).collect())

    def _rows_from(self, row: int) -> polars.LazyFrame:
        part = self._scan.slice(row, SLICE_ROWS)
        for condition in self._conditions:
            part = part.filter(condition)
        return part.select(_ROW, *self._wanted)

    def _go_on(self, rows: int) -> None:
        """So many rows of the slice are done with; what was left out in front of the next one, too."""
        assert self._slice is not None
        self._slice = self._slice.slice(rows)
        self._row = int(self._slice[_ROW][0]) if self._slice.height else self._slice_end

    def _fit(self, frame: polars.DataFrame) -> Any:
        if self._columns is None:
            return frame_to_rows(frame, self._kind)
        return fit_frame(frame, self._kind, self._columns)

    def _asked(self, ask: Callable[[], T]) -> T:
        """What Polars answers about the file; bytes that it cannot read are bad input."""
        import polars

        try:
            return ask()
        except (polars.exceptions.PolarsError, polars.exceptions.PanicException, OSError) as error:
            reason = str(error).splitlines()[0]
            raise BadInput(f"{self._path} cannot be read as Parquet: {reason}") from error


class ColumnarEncoder:
    """Makes one Parquet file of Records; what was added is kept as frames until the end."""

    def __init__(self, kind: type[Record]) -> None:
        self._kind = kind
        self._frames: list[polars.DataFrame] = [frame_to_store(rows_to_frame([], kind), kind)]

    def add(self, values: Sequence[Any] | polars.DataFrame) -> bytes:
        """Take some values; nothing can be written yet.

        Raises:
            BadInput: a value is of another type than the file's, or does not fit its column.
        """
        if isinstance(values, Sequence):
            frame = rows_to_frame(fitting(values, self._kind), self._kind)
        else:
            frame = values.select(field_names(self._kind))
        self._frames.append(frame_to_store(frame, self._kind))
        return b""

    def finish(self) -> bytes:
        """The whole file."""
        import polars

        data = io.BytesIO()
        polars.concat(self._frames).write_parquet(data)
        return data.getvalue()
