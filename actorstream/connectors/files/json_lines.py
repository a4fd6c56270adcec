"""JSON lines: one JSON value a line, UTF-8; empty lines are skipped. Columns are made of blocks of lines.

Blocks of whole lines are decoded at once; only a block with something wrong is gone through line by line, to say where.
Two values in one line are two values. A value over several lines is none, but is not looked for: where both lie in one
block it is read.
"""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import msgspec.inspect as inspect

from actorstream.connectors.files.form import Form
from actorstream.connectors.files.format import LINE_BYTES_MAX, BadLine, Line, Mark, Part, sift
from actorstream.connectors.files.opening import open_file
from actorstream.connectors.files.values import fitting
from actorstream.errors import BadInput, PlanError
from actorstream.model.record import Record, is_record_type
from actorstream.model.utc import as_utc
from actorstream.streams.dtypes import without_none

if TYPE_CHECKING:
    import polars

BLOCK_BYTES_MAX = 512 * 1024
"""How much is decoded at once, unless one line is longer; measured: more is slower, less no faster."""

FRAME_BYTES_MAX = 4 * 1024 * 1024
"""The same where columns are wanted."""

_LINE_BYTES_GUESS = 256  # Until a file's own lines are known.
_WRITTEN_ALIKE = (inspect.BoolType, inspect.FloatType, inspect.IntType, inspect.StrType)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class JsonLines:
    """The format. `type` is what each line must fit."""

    name = "jsonl"
    endings: tuple[str, ...] = (".jsonl", ".ndjson", ".json")
    blocking = False
    columnar = True

    def __init__(self, kind: Any) -> None:
        self.type = kind
        try:
            msgspec.json.Decoder(kind)
        except (TypeError, NameError) as error:
            raise PlanError(f"JSON lines cannot hold {kind!r}: {error}; give a Record type") from error

    def open(self, path: str, mark: Mark | None, columns: tuple[str, ...] | None) -> JsonLinesPass:
        """A pass from a mark; it gives frames of `columns`, or values when that is None.

        Raises:
            BadInput: the file cannot be opened, or is shorter than the mark.
        """
        return JsonLinesPass(path, Form(self.type, columns), mark or {})

    def takes_frames(self, kind: type[Record]) -> bool:
        """Whether Polars writes frames of a Record type as the Records would be written."""
        is_own = not is_record_type(self.type) or issubclass(kind, self.type)
        return is_own and _are_written_alike(kind)

    def encoder(self) -> JsonLinesEncoder:
        """For one new file."""
        return JsonLinesEncoder(self.type)


class JsonLinesPass:
    """One pass through a file. Its mark: `offset`, in bytes.

    Lines are counted only when one has to be named: counting them all would cost a sixth of decoding them.
    """

    def __init__(self, path: str, form: Form, mark: Mark) -> None:
        self._path, self._form = path, form
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(form.kind)
        self._block_bytes_max = BLOCK_BYTES_MAX if form.columns is None else FRAME_BYTES_MAX
        self._offset = mark.get("offset", 0)
        self._line_bytes = float(_LINE_BYTES_GUESS)
        self._found: deque[Part | BadLine] = deque()
        self._file = open_file(path, self._offset)
        self._numbers = LineNumbers(self._file)
        if self._offset == 0 and self._bytes(len(_BYTE_ORDER_MARK)) == _BYTE_ORDER_MARK:
            self._offset = len(_BYTE_ORDER_MARK)

    def read(self, limit: int, final: bool) -> Part | None:
        """Up to about `limit` values; None when there are no more whole lines."""
        while not self._found:
            block = self._block(limit, final)
            if not block:
                return None
            self._decode(block)
        found = self._found.popleft()
        if isinstance(found, BadLine):
            raise found
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _block(self, limit: int, final: bool) -> bytes:
        """Some whole lines; nothing if there is none."""
        size = max(1, min(self._block_bytes_max, int(limit * self._line_bytes)))
        while True:
            data = self._bytes(size)
            end = data.rfind(b"\n") + 1
            if end:
                return data[:end]
            if len(data) < size:
                return data if final else b""
            if size >= LINE_BYTES_MAX:
                raise self._too_long(data)
            size = min(2 * size, LINE_BYTES_MAX)

    def _bytes(self, size: int) -> bytes:
        data = os.pread(self._file.fileno(), size, self._offset)
        if not data and os.fstat(self._file.fileno()).st_size < self._offset:
            raise BadInput(f"{self._path} has become shorter than the {self._offset} bytes that were read of it")
        return data

    def _decode(self, block: bytes) -> None:
        start, self._offset = self._offset, self._offset + len(block)
        try:
            values = self._form.of(self._values(block))
        except (msgspec.DecodeError, UnicodeDecodeError, BadInput):
            self._found.extend(map(self._form.formed, sift(self._path, self._lines(block, start), self._decode_line)))
            return
        if len(values):  # None, when all lines were empty.
            self._found.append(Part(values, {"offset": self._offset}))
            self._line_bytes = len(block) / len(values)

    def _values(self, lines: bytes) -> list[Any]:
        return as_utc(self._decoder.decode_lines(lines), self._form.kind)

    def _decode_line(self, line: bytes) -> list[Any]:
        try:
            return self._form.checked(self._values(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._decoder.decode(line)  # It says the same without counting values.
            raise

    def _lines(self, block: bytes, offset: int) -> Iterator[Line]:
        number = self._numbers.at(offset)
        for text in block.split(b"\n"):
            end = offset + len(text) + 1
            yield Line(text, f"line {number} (byte {offset})", {"offset": min(end, self._offset)})
            offset, number = end, number + 1

    def _too_long(self, data: bytes) -> BadLine:
        """The error for a line beyond the bound, with the line behind us."""
        where = f"line {self._numbers.at(self._offset)} (byte {self._offset})"
        beginning = data[:1024]
        while data and b"\n" not in data:
            self._offset += len(data)
            data = self._bytes(BLOCK_BYTES_MAX)
        self._offset += data.find(b"\n") + 1
        reason = f"the line is longer than {LINE_BYTES_MAX} bytes"
        return BadLine(self._path, where, reason, beginning, {"offset": self._offset})


class LineNumbers:
    """Counts the lines of a file up to an offset, remembering the last count."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._offset, self._number = 0, 1

    def at(self, offset: int) -> int:
        """The number, from 1, of the line that begins at `offset`; offsets may only grow."""
        while self._offset < offset:
            size = min(BLOCK_BYTES_MAX, offset - self._offset)
            data = os.pread(self._file.fileno(), size, self._offset)
            if not data:
                break
            self._offset += len(data)
            self._number += data.count(b"\n")
        return self._number


class JsonLinesEncoder:
    """Makes JSON lines of values; times become ISO-8601 in UTC."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._encode = msgspec.json.Encoder().encode_lines

    def add(self, values: Sequence[Any] | polars.DataFrame) -> bytes:
        """The lines for some values, or for a frame of a type that `takes_frames` admits.

        Raises:
            BadInput: a value is of another type than the file's, or is nothing that JSON can hold.
        """
        if not isinstance(values, Sequence):
            return _written(values)
        try:
            return self._encode(fitting(values, self._kind))
        except (TypeError, ValueError, msgspec.EncodeError) as error:
            raise BadInput(f"a value cannot be written as JSON: {error}") from error

    def finish(self) -> bytes:
        """Nothing is left."""
        return b""


def _are_written_alike(kind: type[Record]) -> bool:
    config = kind.__struct_config__
    return not (config.tag is not None or config.array_like or config.omit_defaults) and all(
        one.encode_name == one.name and isinstance(without_none(inspect.type_info(one.type)), _WRITTEN_ALIKE)
        for one in msgspec.structs.fields(kind)
    )


def _written(frame: polars.DataFrame) -> bytes:
    data = io.BytesIO()
    frame.write_ndjson(data)
    return data.getvalue()
