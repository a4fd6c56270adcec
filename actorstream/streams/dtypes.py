"""Which Polars dtype a Python type has, and which Python type a dtype has.

A type without a dtype (a dict, `Any`, a union, a tuple of several types, a Record that holds itself) is left to
`frame_columns`, which passes its values as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
import msgspec.inspect as inspect

from actorstream.errors import BadInput
from actorstream.model.record import Record

if TYPE_CHECKING:
    import polars
    from polars.datatypes import DataType


def dtype_of(info: inspect.Type, within: tuple[type, ...] = ()) -> DataType | None:
    """The dtype for a type, None if it has none.

    Args:
        info: what msgspec knows of the type, which is not optional.
        within: the Record types around it; one that holds itself has no dtype.
    """
    import polars

    simple = _simple_dtypes().get(type(info))
    if simple is not None:
        return simple
    match info:
        case inspect.EnumType():
            return _dtype_of_values([member.value for member in info.cls])
        case inspect.LiteralType():
            return _dtype_of_values(list(info.values))
        case inspect.ListType() | inspect.SetType() | inspect.FrozenSetType() | inspect.VarTupleType():
            inner = dtype_of(without_none(info.item_type), within)
            return None if inner is None else polars.List(inner)
        case inspect.UnionType():
            kinds = {type(one) for one in info.types if not isinstance(one, inspect.NoneType)}
            return polars.Float64() if kinds == {inspect.IntType, inspect.FloatType} else None
        case inspect.StructType() if not (info.array_like or info.tag_field or info.cls in within):
            parts = {part.encode_name: dtype_of(without_none(part.type), (*within, info.cls)) for part in info.fields}
            known = {name: part for name, part in parts.items() if part is not None}
            return polars.Struct(known) if len(known) == len(parts) and parts else None
    return None


def record_type_of(schema: polars.Schema, name: str) -> type[Record]:
    """A Record type with a field for each column; every field admits None, because every column does.

    Raises:
        BadInput: a column's name cannot be a field's.

    Example:
        >>> import polars
        >>> record_type_of(polars.Schema({"n": polars.Int64}), "Counted")(3)
        Counted(n=3)
    """
    for column in schema:
        if not column.isidentifier():
            raise BadInput(
                f"column {column!r} cannot be a field of a Record; rename it to letters, digits and underscores with "
                f"polars.col({column!r}).alias(...)"
            )
    fields = [(column, python_type(dtype, f"{name}_{column}")) for column, dtype in schema.items()]
    return cast("type[Record]", msgspec.defstruct(name, fields, bases=(Record,), frozen=True))


def python_type(dtype: DataType, name: str) -> Any:
    """The type of the values in a column of this dtype; None is always among them.

    Args:
        dtype: of the column.
        name: what a nested Record type is called.
    """
    return _python_type(dtype, name) | None if dtype.base_type().__name__ != "Object" else Any


def without_none(info: inspect.Type) -> inspect.Type:
    """The type without its constraints, and without None where that leaves one type."""
    while isinstance(info, inspect.Metadata):
        info = info.type
    if not isinstance(info, inspect.UnionType):
        return info
    rest = tuple(one for one in info.types if not isinstance(one, inspect.NoneType))
    return rest[0] if len(rest) == 1 else inspect.UnionType(rest)


def admits_none(info: inspect.Type) -> bool:
    """Whether None is a value of the type."""
    match info:
        case inspect.Metadata():
            return admits_none(info.type)
        case inspect.UnionType():
            return any(admits_none(one) for one in info.types)
        case inspect.LiteralType():
            return None in info.values
    return isinstance(info, (inspect.AnyType, inspect.NoneType))


def _simple_dtypes() -> dict[type, DataType]:
    import polars

    return {
        inspect.BoolType: polars.Boolean(),
        inspect.BytesType: polars.Binary(),
        inspect.DateTimeType: polars.Datetime("us", "UTC"),
        inspect.DateType: polars.Date(),
        inspect.DecimalType: polars.String(),  # A Polars decimal has one scale for all values; text keeps each.
        inspect.FloatType: polars.Float64(),
        inspect.IntType: polars.Int64(),
        inspect.StrType: polars.String(),
        inspect.TimeDeltaType: polars.Duration("us"),
        inspect.TimeType: polars.Time(),
        inspect.UUIDType: polars.String(),
    }


def _dtype_of_values(values: list[Any]) -> DataType | None:
    import polars

    kinds = {type(value) for value in values if value is not None}
    return {frozenset({str}): polars.String(), frozenset({int}): polars.Int64()}.get(frozenset(kinds))


def _python_type(dtype: DataType, name: str) -> Any:
    import polars

    if isinstance(dtype, polars.Struct):
        return record_type_of(polars.Schema({field.name: field.dtype for field in dtype.fields}), name)
    if isinstance(dtype, (polars.List, polars.Array)):
        inner = polars.Series(dtype=dtype.inner).dtype  # An instance, also where the user wrote a class.
        return list[python_type(inner, name)]  # type: ignore[misc]
    if dtype == polars.Null:
        return Any
    if dtype == polars.Categorical or dtype == polars.Enum:
        return str
    return dtype.to_python()
