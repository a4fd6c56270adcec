"""Parquet: columns, read in slices and only those that are wanted.

A slice of a file is read at a time, so that memory stays flat however large the file is. Row numbers count from 0.
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
from actorstream.streams.frames import BadCell, fit_frame, frame_to_rows, frame_to_store, rows_to_frame

if TYPE_CHECKING:
    import polars

T = TypeVar("T")

CHUNK_ROWS_MAX = 65_536
"""The most rows that one read gives."""

SLICE_ROWS = 4 * CHUNK_ROWS_MAX
"""Rows read from the file at once; a slice in the middle of a row group costs again what lies before it there."""


class Columnar:
    """The format. `type` is the Record type of the rows."""

    name = "parquet"
    endings: tuple[str, ...] = (".parquet", ".pq")
    blocking = True
    columnar = True

    def __init__(self, kind: type[Record]) -> None:
        if not is_record_type(kind):
            raise PlanError(f"Parquet needs a Record type, which says what the columns hold; {kind!r} is none")
        self.type: Any = kind

    def open(self, path: str, mark: Mark | None, columns: tuple[str, ...] | None) -> ColumnarPass:
        """A pass from a mark; it gives frames of `columns`, or Records when that is None.

        Raises:
            BadInput: the file cannot be opened, is not Parquet, or lacks a column.
        """
        return ColumnarPass(path, self.type, (mark or {}).get("row", 0), columns)

    def encoder(self) -> ColumnarEncoder:
        """For one new file.

        Raises:
            BadInput: a field's type is one that Parquet cannot keep.
        """
        return ColumnarEncoder(self.type)


class ColumnarPass:
    """One pass through a file. Its mark: `row`, how many rows lie before."""

    def __init__(self, path: str, kind: type[Record], row: int, columns: tuple[str, ...] | None) -> None:
        open_file(path, 0).close()
        self._path, self._kind = path, kind
        self._columns = columns if columns is None else columns or field_names(kind)[:1]
        self._row, self._rows = row, 0
        self._slice: polars.DataFrame | None = None
        self._slice_row = row  # Where the slice begins.
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

        scan = polars.scan_parquet(self._path, glob=False)
        there = self._asked(lambda: scan.collect_schema().names())
        self._rows = self._asked(lambda: int(scan.select(polars.len()).collect().item()))
        wanted = set(field_names(self._kind) if self._columns is None else self._columns)
        # One column at least, because a frame without columns has no rows.
        self._scan = scan.select([name for name in there if name in wanted] or there[:1])
        try:
            self._fit(self._asked(lambda: self._scan.head(0).collect()))
        except BadInput as error:
            raise BadInput(f"{self._path}: {error}") from error

    def read(self, limit: int, final: bool) -> Part | None:
        """Up to `limit` rows; None at the end.

        After a bad row few rows are tried at once, then more and more: many bad ones cost no more than they must.
        """
        if self._bad is not None:
            raise self._past_bad(self._bad)
        if self._row >= self._rows:
            return None
        frame = self._take(min(limit, self._careful_rows))
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
        self._row += frame.height
        return Part(values, {"row": self._row})

    def close(self) -> None:
        """Let go of the slice."""
        self._slice = None

    def _past_bad(self, bad: BadCell) -> BadLine:
        where = f"row {self._row}" if bad.column is None else f"row {self._row}, column {bad.column!r}"
        self._bad = None
        self._row += 1
        return BadLine(self._path, where, bad.reason, repr(bad.value), {"row": self._row})

    def _take(self, limit: int) -> polars.DataFrame:
        """The next rows, from the slice at hand or a new one."""
        begin = self._row - self._slice_row
        if self._slice is None or begin >= self._slice.height:
            self._slice = self._asked(lambda: self._scan.slice(self._row, SLICE_ROWS).collect())
            self._slice_row, begin = self._row, 0
        return self._slice.slice(begin, limit)

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

    def add(self, values: Sequence[Any]) -> bytes:
        """Take some values; nothing can be written yet.

        Raises:
            BadInput: a value is of another type than the file's, or does not fit its column.
        """
        frame = rows_to_frame(fitting(values, self._kind), self._kind)
        self._frames.append(frame_to_store(frame, self._kind))
        return b""

    def finish(self) -> bytes:
        """The whole file."""
        import polars

        data = io.BytesIO()
        polars.concat(self._frames).write_parquet(data)
        return data.getvalue()
