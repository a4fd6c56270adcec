"""Whether a message holds what its class says, and nothing else: then its fields can be written without their types.

A class only promises what its fields hold; nothing looks when a message is made. So for each class one expression is
made, once, that looks: at the exact type of every value, so that neither a wrong type nor a class's heir is taken for
what was declared. Where a declaration leaves something open, or msgspec would not give back the same, there is no such
expression, and types are written beside the values.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from keyword import iskeyword
from types import MappingProxyType, NoneType
from typing import Any
from uuid import UUID

import msgspec.inspect as inspect

Check = Callable[[Any], bool]

LONG_BYTES = 4 << 10
"""A field's bytes of this size or above do not go among the others, but behind them, as they are."""

_LEAVES: Mapping[type[inspect.Type], type] = MappingProxyType(
    {
        inspect.NoneType: NoneType,
        inspect.BoolType: bool,
        inspect.IntType: int,
        inspect.FloatType: float,
        inspect.StrType: str,
        inspect.BytesType: bytes,
        inspect.DateTimeType: datetime,
        inspect.DateType: date,
        inspect.TimeType: time,
        inspect.TimeDeltaType: timedelta,
        inspect.DecimalType: Decimal,
        inspect.UUIDType: UUID,
    }
)


def check_of(message: type) -> Check | None:
    """What tells whether a message of this class holds only what it declares; None: its class leaves something open."""
    try:
        info = inspect.type_info(message)
        return _Maker().make(info)
    except (TypeError, _Open):
        return None


def check_of_all(kind: Any) -> Check | None:
    """What tells whether every value of a list is of this type exactly; None: the type leaves something open."""
    try:
        return _Maker().make_for_all(inspect.type_info(kind))
    except (TypeError, _Open):
        return None


class _Open(Exception):
    """A type that leaves something open."""


class _Maker:
    """Makes one expression. Its names are made up here; those of fields are Python's identifiers."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {"type": type, "len": len, "all": all, "map": map}
        self._within: list[type] = []

    def make(self, info: inspect.Type) -> Check:
        assert isinstance(info, inspect.StructType)
        long = [field.name for field in info.fields if _may_be_long(field)]
        short = [f"(type(m.{name}) is not bytes or len(m.{name}) < {LONG_BYTES})" for name in long]
        source = " and ".join([self._of_struct(info.cls, info.fields, "m"), *short])
        check: Check = eval(f"lambda m: {source}", self._names)
        return check

    def make_for_all(self, info: inspect.Type) -> Check:
        check: Check = eval(f"lambda values: {self._each(info, 'values')}", self._names)
        return check

    def _of(self, info: inspect.Type, value: str) -> str:
        """An expression: whether `value` is of this type."""
        leaf = _leaf(info)
        if leaf is not None:
            return f"type({value}) is {self._name(leaf)}"
        match info:
            case inspect.StructType(cls=kind, fields=fields):
                return self._of_struct(kind, fields, value)
            case inspect.UnionType(types=types):
                return " or ".join(f"({self._of(one, value)})" for one in types)
            case inspect.ListType(item_type=item) if info == inspect.ListType(item):
                return f"type({value}) is {self._name(list)} and {self._each(item, value)}"
            case inspect.VarTupleType(item_type=item) if info == inspect.VarTupleType(item):
                return f"type({value}) is {self._name(tuple)} and {self._each(item, value)}"
            case inspect.TupleType(item_types=items):
                parts = [f"({self._of(item, f'{value}[{index}]')})" for index, item in enumerate(items)]
                return " and ".join([f"type({value}) is {self._name(tuple)}", f"len({value}) == {len(items)}", *parts])
            case inspect.DictType(key_type=key, value_type=item) if info == inspect.DictType(key, item):
                keys = self._each(_plain_key(key), value)
                return f"type({value}) is {self._name(dict)} and {keys} and {self._each(item, f'{value}.values()')}"
        raise _Open

    def _of_struct(self, kind: type, fields: tuple[inspect.Field, ...], value: str) -> str:
        if kind in self._within or not isinstance(kind, type):
            raise _Open
        if not all(field.name.isidentifier() and not iskeyword(field.name) for field in fields):
            raise _Open
        self._within.append(kind)
        parts = [f"({self._of(field.type, f'{value}.{field.name}')})" for field in fields]
        self._within.pop()
        return " and ".join([f"type({value}) is {self._name(kind)}", *parts])

    def _each(self, item: inspect.Type, values: str) -> str:
        leaf = _leaf(item)
        if leaf is not None:
            return f"{self._name(frozenset({leaf}))}.issuperset(map(type, {values}))"
        one = f"v{len(self._names)}"
        self._names[one] = None  # Taken.
        return f"all({self._of(item, one)} for {one} in {values})"

    def _name(self, thing: Any) -> str:
        name = f"k{len(self._names)}"
        self._names[name] = thing
        return name


def _leaf(info: inspect.Type) -> type | None:
    """The class whose instances are just those of this type; None if there is none."""
    if isinstance(info, inspect.EnumType):
        if issubclass(info.cls, enum.Flag):
            raise _Open  # A combination of flags has no name by which msgspec would find it.
        return info.cls
    kind = _LEAVES.get(type(info))
    return kind if kind is not None and info == type(info)() else None  # One with bounds is looked at by msgspec alone.


def _plain_key(key: inspect.Type) -> inspect.Type:
    if type(key) not in (inspect.StrType, inspect.IntType):
        raise _Open
    return key


def _may_be_long(field: inspect.Field) -> bool:
    types = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
    return any(isinstance(one, inspect.BytesType) for one in types)
