"""The columns of a data frame as they lie in memory: taken without a copy, and read where they came.

A frame's schema is an Arrow stream without rows. Then come, of each column whose values have a fixed width, its
validity (a bitmap; nothing if nothing is missing) and its values, in Arrow's format, each begun at a multiple of 8
bytes; and then all other columns as one Arrow stream.

Source: Arrow Columnar Format 1.5, "Buffer Alignment and Padding", "Validity bitmaps"; the buffers come and go through
the Arrow PyCapsule interface (nanoarrow).

Guarantees: polars is loaded by whoever has a data frame, or gets one, and by nobody else; what is as long as it should
be is read, whatever bits it holds, and nothing beyond it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from actorstream.actors.wire import arrow
from actorstream.errors import BadInput
from actorstream.host.network import Part

ROWS_MIN = 4_096
"""Frames of fewer rows go as an Arrow stream: a copy of them costs less than what is done here for each column."""

ALIGNED_BYTES = 8

_SCHEMAS_MAX = 64

_WIDTHS = {
    **{"Int8": ("int8", 8), "Int16": ("int16", 16), "Int32": ("int32", 32), "Int64": ("int64", 64)},
    **{"UInt8": ("uint8", 8), "UInt16": ("uint16", 16), "UInt32": ("uint32", 32), "UInt64": ("uint64", 64)},
    **{"Float32": ("float32", 32), "Float64": ("float64", 64), "Boolean": ("bool_", 1)},
    **{"Date": ("int32", 32), "Datetime": ("int64", 64), "Duration": ("int64", 64), "Time": ("int64", 64)},
}
"""Of each of polars' types of a fixed width: what nanoarrow calls the type of its values, and its bits."""


def parts_of(frame: Any) -> tuple[list[int], list[Part]] | None:
    """The parts of a data frame, and how long each is; None: an Arrow stream is as good."""
    fixed = [series for series in frame if _kind(series.dtype) in _WIDTHS]
    if not fixed or frame.height < ROWS_MIN:
        return None
    others = [series for series in frame if _kind(series.dtype) not in _WIDTHS]
    parts: list[Part] = [_written_schema(tuple(frame.schema.items()))]
    for column in _buffers(fixed):
        if column is None:
            return None
        parts += column
    parts.append(b"".join(arrow.parts_of(_framed(others))) if others else b"")
    sizes = [part.nbytes if isinstance(part, memoryview) else len(part) for part in parts]
    return sizes, [
        piece for part, size in zip(parts, sizes, strict=True) for piece in (part, bytes(-size % 8)) if piece
    ]


def read(height: int, sizes: Sequence[int], data: memoryview) -> Any:
    """The data frame again.

    Args:
        height: how many rows it has.
        sizes: of its parts.
        data: all of them.

    Raises:
        BadInput: it is none.
    """
    import polars as pl

    parts = _cut(data, sizes)
    series = []
    others = []
    for name, dtype, is_fixed in _read_schema(bytes(next(parts, b""))):
        if is_fixed:
            series.append(_column(name, dtype, height, next(parts, b""), next(parts, b"")))
        else:
            others.append(len(series))
            series.append(None)
    if others:
        rest = arrow.read(memoryview(next(parts, b"")))
        if rest.width != len(others):
            raise BadInput(f"{rest.width} columns came, and {len(others)} are announced")
        for place, column in zip(others, rest, strict=True):
            series[place] = column
    try:
        return pl.DataFrame(series)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise BadInput(f"not a data frame: {error!s:.200}") from None


def _buffers(columns: list[Any]) -> Iterator[list[Part] | None]:
    """Validity and values of each column; None if they do not begin with a byte."""
    import nanoarrow

    frame = _framed(columns).rechunk()
    (array,) = nanoarrow.c_array_stream(frame)
    for index, dtype in enumerate(frame.dtypes):
        column = array.child(index).view()  # Not `array.view().child(index)`: its buffers do not keep the array alive.
        bits = _WIDTHS[_kind(dtype)][1]
        if column.offset % 8:
            yield None
            return
        validity, values = (memoryview(buffer).cast("B") if buffer.size_bytes else b"" for buffer in column.buffers)
        start, end = column.offset, column.offset + frame.height
        yield [validity[start // 8 : -(-end // 8)], values[start * bits // 8 : -(-end * bits // 8)]]


def _framed(columns: list[Any]) -> Any:
    import polars as pl

    return pl.DataFrame(columns)


def _column(name: str, dtype: Any, height: int, validity: Part, values: Part) -> Any:
    import nanoarrow
    import polars as pl

    schema, bits = _arrow_type(_kind(dtype))
    if height < 0 or len(values) != -(-height * bits // 8) or len(validity) not in (0, -(-height // 8)):
        raise BadInput(f"column {name!r:.100} has {len(values)} bytes of values, and {height} rows")
    buffers = [validity or None, values]
    series = pl.Series(nanoarrow.c_array_from_buffers(schema, height, buffers)).alias(name)
    return series if series.dtype == dtype else series.cast(dtype)


def _cut(data: memoryview, sizes: Sequence[int]) -> Iterator[memoryview]:
    start = 0
    for size in sizes:
        if not 0 <= size <= len(data) - start:
            raise BadInput(f"{size} bytes of a data frame are announced, and {len(data) - start} are there")
        yield data[start : start + size]
        start += size + len(_gap(size))


def _gap(size: int) -> bytes:
    return bytes(-size % ALIGNED_BYTES)


def _kind(dtype: Any) -> str:
    return str(dtype.base_type())


@lru_cache(_SCHEMAS_MAX)
def _written_schema(schema: tuple[tuple[str, Any], ...]) -> bytes:
    import polars as pl

    return b"".join(arrow.parts_of(pl.DataFrame(schema=dict(schema))))


@lru_cache(_SCHEMAS_MAX)
def _read_schema(stream: bytes) -> list[tuple[str, Any, bool]]:
    """Name and type of each column, and whether it has a fixed width."""
    schema = arrow.read(memoryview(stream)).schema
    return [(name, dtype, _kind(dtype) in _WIDTHS) for name, dtype in schema.items()]


@lru_cache(len(_WIDTHS))
def _arrow_type(kind: str) -> tuple[Any, int]:
    import nanoarrow

    name, bits = _WIDTHS[kind]
    return nanoarrow.c_schema(getattr(nanoarrow, name)()), bits
