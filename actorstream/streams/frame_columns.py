"""One field of a Record type as a column of a frame: which dtype it has, and how values go in and come out.

Guarantees: a value that comes out fits the field's type; one that does not is named by column and row. What goes in is
not checked further than the column's dtype asks for.

A field whose type has no dtype (a dict, `Any`, a union) is an Object column: its values pass as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import msgspec.inspect as inspect

from actorstream.errors import BadInput
from actorstream.model.instant import EPOCH
from actorstream.model.utc import as_utc, to_utc
from actorstream.streams.dtypes import admits_none, dtype_of, without_none

if TYPE_CHECKING:
    import polars
    from polars.datatypes import DataType

_SHOWN_MAX = 60  # Characters of a bad value that an error shows.
_EXACT_US = 2**51  # Below it a float of seconds holds every microsecond, also one that Polars divided a little off.
_KEPT = (bytes, date, datetime, time, timedelta)  # Polars takes these as they are.


class BadCell(BadInput):
    """A value in a frame does not fit.

    `column` is None where it is a row as a whole; `row`, from 0 in the frame, is None where it is a column as a whole.
    """

    def __init__(self, column: str | None, row: int | None, reason: str, value: object = None) -> None:
        places = [f"column {column!r}"] if column is not None else []
        places += [f"row {row}"] if row is not None else []
        shown = "" if row is None else f": {_shown(value)}"
        super().__init__(f"{', '.join(places)}: {reason}{shown}")
        self.column, self.row, self.reason, self.value = column, row, reason, value


class Column:
    """A field and its dtype.

    `dtype` is an instance of a Polars type. `nullable` says whether the field's type admits None. `is_json` says that
    it is an Object column whose values a file can keep as JSON text.
    """

    def __init__(self, name: str, kind: Any) -> None:
        import polars

        info = inspect.type_info(kind)
        inner = without_none(info)
        self.name, self.kind = name, kind
        self.nullable = admits_none(info)
        self.dtype: DataType = dtype_of(inner) or polars.Object()
        self._is_time = isinstance(inner, inspect.DateTimeType)
        self._is_integer = isinstance(inner, inspect.IntType)
        self._is_object = self.dtype == polars.Object
        self._is_plain = isinstance(inner, _PLAIN) and not _is_constrained(inner)
        self.is_json = self._is_object and _is_json(inner)

    def series(self, values: list[Any]) -> polars.Series:
        """The values as a column.

        Raises:
            BadInput: a value does not fit the dtype; names the column and the row.
        """
        import polars

        try:
            if self._is_time:
                return self._series_of_times(values)
            if not (self._is_plain or self._is_object):
                values = msgspec.to_builtins(values, builtin_types=_KEPT, order="deterministic")
            series = polars.Series(self.name, values, dtype=self.dtype)
        except (TypeError, OverflowError, AttributeError, polars.exceptions.PolarsError) as error:
            raise self._bad(values, str(error).split("\n")[0]) from error
        return series if series.dtype == self.dtype else series.cast(self.dtype)

    def _series_of_times(self, values: list[Any]) -> polars.Series:
        import polars

        try:
            if self.nullable:
                spans = [None if value is None else value - EPOCH for value in values]
            else:
                spans = [value - EPOCH for value in values]
        except TypeError:  # A naive time, or no time at all.
            spans = [None if value is None else to_utc(value) - EPOCH for value in values]
        series = polars.Series(self.name, spans, dtype=polars.Duration("us"))
        return series.cast(polars.Int64).cast(self.dtype)

    def values(self, series: polars.Series) -> list[Any]:
        """The column as values of the field's type.

        Raises:
            BadInput: a value does not fit; names the column and the row.
        """
        import polars

        if self._is_object and series.dtype == polars.Object:
            return series.to_list()
        if self.is_json and series.dtype == polars.String:
            return self._parsed(series.to_list())
        fitting = self._cast(series)
        if fitting is None:
            return self._converted(series.to_list())
        self._refuse_nulls(fitting)
        if self._is_time:
            return _times(fitting)
        return fitting.to_list() if self._is_plain else self._converted(fitting.to_list())

    def fitted(self, series: polars.Series) -> polars.Series:
        """The column with this dtype, its values checked.

        Raises:
            BadCell: a value does not fit.
        """
        fitting = self._cast(series)
        if fitting is None or not (self._is_plain or self._is_time):
            return self.series(self.values(series))
        self._refuse_nulls(fitting)
        return fitting.alias(self.name)

    def texts(self, series: polars.Series) -> polars.Series:
        """An Object column as JSON text.

        Raises:
            BadInput: text could not be told from the values themselves.
        """
        import polars

        if not self.is_json:
            raise BadInput(f"the field {self.name} of type {self.kind} has no column type that a file could keep")
        values = [None if value is None else msgspec.json.encode(value).decode() for value in series.to_list()]
        return polars.Series(self.name, values, dtype=polars.String)

    def _cast(self, series: polars.Series) -> polars.Series | None:
        """The series in this column's dtype if nothing can be lost on the way, else None."""
        import polars

        have, want = series.dtype, self.dtype
        if have == want:
            return series
        if self._is_time and isinstance(have, polars.Datetime):
            aware = series if have.time_zone else series.dt.replace_time_zone("UTC")
            return aware.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
        widened = (
            (want == polars.Int64 and have.is_integer())
            or (want == polars.Float64 and have.is_numeric() and not have.is_decimal())
            or (want == polars.String and have in (polars.Categorical, polars.Enum))
            or (want == polars.Duration and have == polars.Duration)
            or (self.nullable and have == polars.Null)
        )
        if not widened:
            return None
        try:
            return series.cast(want)
        except polars.exceptions.PolarsError as error:
            raise self._bad(series.to_list(), str(error).splitlines()[0]) from error

    def _refuse_nulls(self, series: polars.Series) -> None:
        if not self.nullable and series.null_count():
            row = int(series.is_null().arg_max() or 0)
            raise BadCell(self.name, row, f"the field {self.name} does not admit None", None)

    def _converted(self, values: list[Any]) -> list[Any]:
        try:
            return as_utc(msgspec.convert(values, list[self.kind]), self.kind)  # type: ignore[name-defined]
        except msgspec.ValidationError as error:
            raise self._bad(values, str(error)) from error

    def _parsed(self, texts: list[str | None]) -> list[Any]:
        data = f"[{','.join('null' if text is None else text for text in texts)}]"
        try:
            return as_utc(msgspec.json.decode(data, type=list[self.kind]), self.kind)  # type: ignore[name-defined]
        except msgspec.DecodeError as error:
            raise self._bad(texts, str(error)) from error

    def _bad(self, values: Sequence[Any], reason: str) -> BadCell:
        """The error for the first value that does not fit, found by asking msgspec, which counts."""
        try:
            msgspec.convert(values, list[self.kind])  # type: ignore[name-defined]
        except msgspec.ValidationError as error:
            reason = str(error)
        if self._is_integer and (row := _first_wide(values)) is not None:
            return BadCell(self.name, row, "does not fit 64 bits", values[row])
        found = re.search(r" - at `\$\[(\d+)\](.*)`$", reason)
        if found is None:
            return BadCell(self.name, None, reason)
        row, within = int(found[1]), f" at {found[2]}" if found[2] else ""
        return BadCell(self.name, row, f"{reason[: found.start()]}{within}", values[row])


_PLAIN = (
    inspect.BoolType,
    inspect.BytesType,
    inspect.DateType,
    inspect.FloatType,
    inspect.IntType,
    inspect.StrType,
    inspect.TimeDeltaType,
    inspect.TimeType,
)


_NESTED = (
    inspect.CollectionType,
    inspect.DataclassType,
    inspect.DictType,
    inspect.NamedTupleType,
    inspect.StructType,
    inspect.TupleType,
    inspect.TypedDictType,
)


def _is_json(info: inspect.Type) -> bool:
    """Whether every value of the type is a JSON array or object, so that a text is none of them."""
    if isinstance(info, inspect.UnionType):
        return all(isinstance(one, _NESTED) for one in info.types if not isinstance(one, inspect.NoneType))
    return isinstance(info, _NESTED)


def _is_constrained(info: inspect.Type) -> bool:
    """Whether more than its Python type is asked of a value (`msgspec.Meta`)."""
    return any(getattr(info, name) is not None for name in info.__struct_fields__)


def _first_wide(values: Sequence[Any]) -> int | None:
    """The row of the first integer that does not fit 64 bits."""
    return next((row for row, one in enumerate(values) if isinstance(one, int) and not -(2**63) <= one < 2**63), None)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."


def _times(series: polars.Series) -> list[datetime | None]:
    """Aware datetimes, made in bulk from seconds where a float is exact, else one by one."""
    instants = series.dt.epoch("us")
    low, high = instants.min(), instants.max()
    if low is None:
        return [None] * len(series)
    if low > -_EXACT_US and high < _EXACT_US:  # type: ignore[operator]
        seconds = (instants / 1e6).to_list()
        return msgspec.convert(seconds, list[datetime | None], strict=False)
    return [None if value is None else value.replace(tzinfo=UTC) for value in series.dt.replace_time_zone(None)]
