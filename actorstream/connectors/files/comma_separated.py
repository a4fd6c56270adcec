"""CSV: a header, then a record a row; quotes as in RFC 4180, UTF-8; empty lines are skipped.

Columns match fields by name. A cell is read as the field's type asks: numbers, true and false, ISO-8601 times; an empty
one is None where the field admits None; a list, dict or Record is JSON. A row may be many lines, inside quotes.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import msgspec
import msgspec.inspect as inspect

from actorstream.connectors.files.form import Form
from actorstream.connectors.files.format import LINE_BYTES_MAX, BadLine, Line, Mark, Part, sift
from actorstream.connectors.files.opening import open_file
from actorstream.connectors.files.values import fitting
from actorstream.errors import BadInput, PlanError
from actorstream.model.record import Record, is_record_type
from actorstream.model.utc import as_utc

Row = list[str]

_NESTED = (
    inspect.CollectionType,
    inspect.DataclassType,
    inspect.DictType,
    inspect.NamedTupleType,
    inspect.StructType,
    inspect.TupleType,
    inspect.TypedDictType,
)


class CommaSeparated:
    """The format. `type` is the Record type of the rows."""

    name = "csv"
    endings: tuple[str, ...] = (".csv",)
    blocking = False
    columnar = True

    def __init__(self, kind: type[Record]) -> None:
        if not is_record_type(kind):
            raise PlanError(f"CSV needs a Record type, which says what the columns hold; {kind!r} is none")
        self.type: Any = kind

    def open(self, path: str, mark: Mark | None, columns: tuple[str, ...] | None) -> CommaSeparatedPass:
        """A pass from a mark; it gives frames of `columns`, or Records when that is None.

        Raises:
            BadInput: the file cannot be opened, or its header lacks a field that is wanted and has no default.
        """
        return CommaSeparatedPass(path, Form(self.type, columns), mark or {})

    def encoder(self) -> CommaSeparatedEncoder:
        """For one new file."""
        return CommaSeparatedEncoder(self.type)


class CommaSeparatedPass:
    """One pass through a file. Its mark: `offset` in bytes, `line` how many lines lie before."""

    def __init__(self, path: str, form: Form, mark: Mark) -> None:
        self._path, self._form = path, form
        self._found: deque[Part | BadLine] = deque()
        self._file = open_file(path, mark.get("offset", 0))
        self._lines = _Lines(self._file, 0, 0)
        self._file.seek(0)
        self._cells = _Cells(path, self._header(), form.kind)
        if mark:
            self._lines.go_to(mark["offset"], mark["line"])

    def _header(self) -> Row:
        try:
            header = next(csv.reader(self._lines.read(final=True), strict=True), [])
        except (csv.Error, ValueError) as error:
            raise BadInput(f"{self._path}: the header is no line of CSV: {error}") from error
        return [name.removeprefix("\ufeff") for name in header]

    def read(self, limit: int, final: bool) -> Part | None:
        """Up to `limit` values; None when there are no more whole rows."""
        while not self._found:
            lines = self._rows(limit, final)
            if lines:
                self._decode(lines)
            elif not self._found:
                return None
        found = self._found.popleft()
        if isinstance(found, BadLine):
            raise found
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _rows(self, limit: int, final: bool) -> list[Line]:
        """Some rows, with the mark after each; an error in between waits until they are read."""
        rows: list[Line] = []
        where, start = self._lines.where(), self._lines.mark()
        try:
            for row in csv.reader(self._lines.read(final=final), strict=True):
                mark = self._lines.mark()
                if row:
                    rows.append(Line(row, where, mark))
                where, start = self._lines.where(), mark
                if len(rows) >= limit:
                    break
        except (csv.Error, ValueError) as error:
            is_being_written = self._lines.is_at_end and not final
            if rows or is_being_written:  # First the rows before it.
                self._lines.go_to(start["offset"], start["line"])
            else:
                self._found.append(BadLine(self._path, where, str(error), "", self._lines.mark()))
        return rows

    def _decode(self, rows: list[Line]) -> None:
        form = self._form
        try:
            values = form.of(self._cells.decode([row.content for row in rows]))
        except (msgspec.MsgspecError, ValueError):
            found = sift(self._path, rows, lambda row: form.checked(self._cells.decode_one(row)))
            self._found.extend(map(form.formed, found))
        else:
            self._found.append(Part(values, rows[-1].mark))


class _Lines:
    """The lines of a file as text, and where the next one begins."""

    def __init__(self, file: BinaryIO, offset: int, line: int) -> None:
        self._file, self._offset, self._line = file, offset, line
        self.is_at_end = False

    def go_to(self, offset: int, line: int) -> None:
        self._offset, self._line = offset, line

    def mark(self) -> Mark:
        return {"offset": self._offset, "line": self._line}

    def where(self) -> str:
        return f"line {self._line + 1} (byte {self._offset})"

    def read(self, *, final: bool) -> Iterator[str]:
        self._file.seek(self._offset)
        self.is_at_end = False
        while data := self._file.readline(LINE_BYTES_MAX):
            if not data.endswith(b"\n") and not final and len(data) < LINE_BYTES_MAX:
                break
            self._offset += len(data)
            self._line += data.endswith(b"\n")
            if len(data) == LINE_BYTES_MAX:
                raise ValueError(f"the line is longer than {LINE_BYTES_MAX} bytes")
            yield data.decode()
        self.is_at_end = True


class _Cells:
    """Decodes rows: the columns of a header into the fields of a Record type."""

    def __init__(self, path: str, header: Row, kind: type[Record]) -> None:
        self._kind, self._width = kind, len(header)
        self._names: list[str] = []
        self._indexes: list[int] = []
        self._nullable: list[int] = []  # Of the chosen columns.
        self._nested: list[tuple[int, msgspec.json.Decoder[Any]]] = []
        for field in msgspec.structs.fields(kind):
            name = field.encode_name
            if header.count(name) > 1:
                raise BadInput(f"{path}: the header has the column {name!r} {header.count(name)} times; rename one")
            if name in header:
                self._choose(name, header.index(name), field.type)
            elif field.required:
                there = ", ".join(header) or "none"
                raise BadInput(
                    f"{path} has no column {name!r} for the field of {kind.__name__}, which has no default; "
                    f"its columns are {there}"
                )

    def _choose(self, name: str, index: int, kind: Any) -> None:
        info = inspect.type_info(kind)
        parts = info.types if isinstance(info, inspect.UnionType) else (info,)
        if any(isinstance(part, inspect.NoneType) for part in parts):
            self._nullable.append(len(self._names))
        if any(isinstance(part, _NESTED) for part in parts):
            self._nested.append((len(self._names), msgspec.json.Decoder(kind)))
        self._names.append(name)
        self._indexes.append(index)

    def decode(self, rows: list[Row]) -> list[Any]:
        records = msgspec.convert(self._records(rows), list[self._kind], strict=False)  # type: ignore[name-defined]
        return as_utc(records, self._kind)

    def decode_one(self, row: Row) -> list[Any]:
        return as_utc([msgspec.convert(self._records([row])[0], self._kind, strict=False)], self._kind)

    def _records(self, rows: list[Row]) -> list[dict[str, Any]]:
        for row in rows:
            if len(row) != self._width:
                raise ValueError(f"the row has {len(row)} cells, the header {self._width}")
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        chosen: list[Sequence[Any]] = [columns[index] for index in self._indexes]
        for index in self._nullable:
            chosen[index] = [None if cell == "" else cell for cell in chosen[index]]
        for index, decoder in self._nested:
            chosen[index] = [None if cell is None else decoder.decode(cell) for cell in chosen[index]]
        return [dict(zip(self._names, row, strict=True)) for row in zip(*chosen, strict=True)] or [{} for _ in rows]


class _WrittenLines(list[str]):
    """Lines as they end here. The writer is told of a carriage return, too, or it would put no quotes around one."""

    def write(self, line: str) -> None:
        self.append(line.removesuffix("\r\n") + "\n")


class CommaSeparatedEncoder:
    """Makes a header and rows of Records; None is an empty cell, what is nested is JSON."""

    def __init__(self, kind: type[Record]) -> None:
        self._kind = kind
        self._names = [field.encode_name for field in msgspec.structs.fields(kind)]
        self._is_new = True

    def add(self, values: Sequence[Any]) -> bytes:
        """The lines for some values.

        Raises:
            BadInput: a value is of another type than the file's.
        """
        lines = _WrittenLines()
        writer = csv.writer(lines, lineterminator="\r\n")
        if self._is_new:
            writer.writerow(self._names)
            self._is_new = False
        rows = msgspec.to_builtins(fitting(values, self._kind), str_keys=True, order="deterministic")
        writer.writerows([[_cell(row.get(name)) for name in self._names] for row in rows])
        return "".join(lines).encode()

    def finish(self) -> bytes:
        """Nothing is left."""
        return b""


def _cell(value: Any) -> Any:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()
