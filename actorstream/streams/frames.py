"""Records as the columns of a Polars frame, and back.

A field and a column belong together by the field's name. Going to a frame is quick and checks only what a dtype asks;
coming back checks every value against the field's type, because a frame may come from a file or a user's function.
Polars is imported when the first frame is made, not before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from msgspec import NODEFAULT

from actorstream.errors import BadInput
from actorstream.model.columns import column_of
from actorstream.model.record import Record
from actorstream.streams.dtypes import record_type_of
from actorstream.streams.frame_columns import BadCell, Column

__all__ = [
    "BadCell",
    "fit_frame",
    "frame_to_rows",
    "frame_to_store",
    "polars_schema",
    "record_type_of",
    "rows_to_frame",
]

if TYPE_CHECKING:
    import polars
    from polars.datatypes import DataType

_KINDS_MAX = 256  # Record types whose columns are remembered; another one is looked at again.

R = TypeVar("R", bound=Record)


def polars_schema(kind: type[Record]) -> dict[str, DataType]:
    """The columns of a Record type: field names, in order, to dtypes. A type without a dtype gives `Object`.

    Example:
        >>> class Bid(Record):
        ...     auction: int
        ...     price: float | None = None
        >>> polars_schema(Bid)
        {'auction': Int64, 'price': Float64}
    """
    return {column.name: column.dtype for column in _shape(kind).columns}


def rows_to_frame(rows: Sequence[Record], kind: type[Record], columns: Iterable[str] | None = None) -> polars.DataFrame:
    """A frame with one row for each Record.

    Args:
        rows: instances of `kind`.
        kind: a Record type.
        columns: the fields that are wanted, in the order wanted; None: all.

    Raises:
        BadInput: a value does not fit its column, or a column is no field.

    Example:
        >>> class Bid(Record):
        ...     auction: int
        ...     price: float
        >>> rows_to_frame([Bid(1, 9.5), Bid(2, 3.0)], Bid, columns=["price"])["price"].to_list()
        [9.5, 3.0]
    """
    import polars

    wanted = _shape(kind).only(columns)
    return polars.DataFrame([column.series(column_of(column.name)(rows)) for column in wanted])


def frame_to_rows(frame: polars.DataFrame, kind: type[R]) -> list[R]:
    """A Record for each row of a frame.

    Columns match fields by name; further ones are ignored; a field without a column takes its default. Times come out
    aware, in UTC; a column of naive times is read as UTC.

    Raises:
        BadInput: a value does not fit its field, or a field without a default has no column.

    Example:
        >>> class Bid(Record):
        ...     auction: int
        ...     price: float = 0.0
        >>> import polars
        >>> frame_to_rows(polars.DataFrame({"auction": [7], "other": ["x"]}), Bid)
        [Bid(auction=7, price=0.0)]
    """
    return cast("list[R]", _shape(kind).rows(frame))


def fit_frame(frame: polars.DataFrame, kind: type[Record], columns: Iterable[str] | None = None) -> polars.DataFrame:
    """The frame with the columns and dtypes of a Record type, each value checked, missing columns filled with defaults.

    Args:
        frame: its further columns are left out.
        kind: a Record type.
        columns: the fields that are wanted, in the order wanted; None: all.

    Raises:
        BadInput: as `frame_to_rows`.
    """
    import polars

    shape = _shape(kind)
    there = set(frame.columns)
    return polars.DataFrame(
        [
            column.fitted(frame[column.name])
            if column.name in there
            else column.series([*shape.filled(column.name, frame)])
            for column in shape.only(columns)
        ]
    )


def frame_to_store(frame: polars.DataFrame, kind: type[Record]) -> polars.DataFrame:
    """The frame as a file can keep it: dicts and the like as JSON text. `frame_to_rows` reads it.

    Raises:
        BadInput: a field's type is one that no column and no text can stand for, such as `Any`.
    """
    objects = [column for column in _shape(kind).columns if column.dtype.base_type().__name__ == "Object"]
    return frame.with_columns([column.texts(frame[column.name]) for column in objects])


@lru_cache(maxsize=_KINDS_MAX)
def _shape(kind: type[Record]) -> _Shape:
    return _Shape(kind)


class _Shape:
    """What is known of a Record type: its columns, its defaults, and how it is called."""

    def __init__(self, kind: type[Record]) -> None:
        fields = msgspec.structs.fields(kind)
        self.kind = kind
        self.columns = [Column(field.name, field.type) for field in fields]
        self._by_name = {column.name: column for column in self.columns}
        self._defaults = {field.name: _default(field) for field in fields if not field.required}
        parameters = inspect.signature(kind).parameters.values()
        self._is_positional = all(one.kind is not inspect.Parameter.KEYWORD_ONLY for one in parameters)

    def only(self, names: Iterable[str] | None) -> list[Column]:
        if names is None:
            return self.columns
        try:
            return [self._by_name[name] for name in names]
        except KeyError as error:
            fields = ", ".join(self._by_name)
            raise BadInput(f"{self.kind.__name__} has no field {error.args[0]!r}; it has {fields}") from None

    def rows(self, frame: polars.DataFrame) -> list[Record]:
        there = set(frame.columns)
        parts = [
            column.values(frame[column.name]) if column.name in there else self.filled(column.name, frame)
            for column in self.columns
        ]
        if not parts:
            return [self.kind() for _ in range(frame.height)]
        made: list[Record] = []
        try:
            made.extend(map(self._make(), *parts))
        except (TypeError, ValueError) as error:  # From a `__post_init__` of the user's.
            row = len(made)
            raise BadCell(None, row, f"{self.kind.__name__}: {error}", frame.row(row)) from error
        return made

    def _make(self) -> Callable[..., Record]:
        if self._is_positional:
            return self.kind
        names = self.kind.__struct_fields__
        return lambda *row: self.kind(**dict(zip(names, row, strict=True)))

    def filled(self, name: str, frame: polars.DataFrame) -> Iterable[Any]:
        if name not in self._defaults:
            raise BadInput(
                f"there is no column {name!r} for the field {name} of {self.kind.__name__}; there are "
                f"{', '.join(frame.columns) or 'none'}. Give the field a default, or rename a column"
            )
        make = self._defaults[name]
        return repeat(make(), frame.height) if _is_shared(make) else [make() for _ in range(frame.height)]


class _Shared:
    """A default that is one object for all."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __call__(self) -> Any:
        return self._value


def _default(field: msgspec.structs.FieldInfo) -> Callable[[], Any]:
    if field.default_factory is not NODEFAULT:
        return field.default_factory  # type: ignore[no-any-return]
    return _Shared(field.default)


def _is_shared(make: Callable[[], Any]) -> bool:
    return isinstance(make, _Shared)
