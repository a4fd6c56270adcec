"""Writes a type down."""

from __future__ import annotations

from typing import Any

import msgspec
import msgspec.inspect as inspect
from msgspec import NODEFAULT, UNSET

from actorstream.errors import PlanError
from actorstream.model.schema.forms import FORMAT, Description, FieldForm, Form, RecordForm

_PLAIN: dict[type, str] = {
    inspect.AnyType: "any",
    inspect.BoolType: "bool",
    inspect.ByteArrayType: "bytes",
    inspect.BytesType: "bytes",
    inspect.DateTimeType: "datetime",
    inspect.DateType: "date",
    inspect.DecimalType: "decimal",
    inspect.FloatType: "float",
    inspect.IntType: "int",
    inspect.MemoryViewType: "bytes",
    inspect.NoneType: "null",
    inspect.RawType: "any",
    inspect.StrType: "str",
    inspect.TimeDeltaType: "timedelta",
    inspect.TimeType: "time",
    inspect.UUIDType: "uuid",
}
_COLLECTIONS: dict[type, str] = {
    inspect.CollectionType: "list",
    inspect.FrozenSetType: "frozenset",
    inspect.ListType: "list",
    inspect.SetType: "set",
    inspect.VarTupleType: "array",
}
_LIMITS = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern", "tz")
_OBJECTS = (inspect.DataclassType, inspect.NamedTupleType, inspect.StructType, inspect.TypedDictType)
_PLAIN_FACTORIES = (list, dict, set, frozenset, tuple, bytearray)  # Others may give something else each time.


def describe(kind: Any) -> dict[str, Any]:
    """A type as JSON-like data, from which `build` makes a type that accepts and refuses the same JSON.

    A Record's fields keep their order, defaults and constraints; Enums are written by their values. What only the class
    knows is left out: its methods, its `__post_init__`, a default that a function makes.

    Args:
        kind: a Record type, or any type that JSON can hold.

    Raises:
        PlanError: JSON cannot hold the type.

    Example:
        >>> describe(list[int])
        {'format': 1, 'type': {'kind': 'list', 'items': [{'kind': 'int'}]}, 'records': {}}
    """
    try:
        msgspec.json.Decoder(kind)
        info = inspect.type_info(kind)
    except NameError as error:
        raise PlanError(
            f"{kind!r} refers to a class by a name that is unknown: {error}; define it at the top of a module"
        ) from error
    except TypeError as error:
        raise PlanError(f"values of type {kind!r} cannot be kept in a topic: {error}") from error
    describer = _Describer()
    form = describer.form(info)
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(Description(FORMAT, form, describer.records())))
    return made


class _Describer:
    """Goes through a type, and collects the records in it, so that one that holds itself ends."""

    def __init__(self) -> None:
        self._names: dict[Any, str] = {}
        self._records: dict[str, RecordForm] = {}

    def records(self) -> dict[str, RecordForm]:
        return {name: self._records[name] for name in self._names.values()}

    def form(self, info: inspect.Type) -> Form:
        plain, collection = _PLAIN.get(type(info)), _COLLECTIONS.get(type(info))
        if plain is not None:
            return Form(plain, limits=_limits(info))
        if collection is not None:
            return Form(collection, items=(self.form(info.item_type),), limits=_limits(info))  # type: ignore[attr-defined]
        match info:
            case inspect.Metadata():
                return self.form(info.type)
            case inspect.TupleType():
                return Form("tuple", items=tuple(map(self.form, info.item_types)))
            case inspect.DictType():
                return Form("dict", items=(self.form(info.key_type), self.form(info.value_type)), limits=_limits(info))
            case inspect.UnionType():
                return Form("union", items=tuple(map(self.form, info.types)))
            case inspect.LiteralType():
                return Form("literal", values=tuple(info.values))
            case inspect.EnumType():
                return Form("enum", values=tuple(one.value for one in info.cls), name=info.cls.__name__)
        if isinstance(info, _OBJECTS):
            return self._record(info)
        raise PlanError(
            f"values of type {getattr(info, 'cls', info)!r} cannot be kept in a topic: JSON has no form for it"
        )

    def _record(self, info: Any) -> Form:
        name = self._names.get(info.cls)
        if name is None:
            name = self._names[info.cls] = self._free_name(info.cls.__name__)
            is_tuple = isinstance(info, inspect.NamedTupleType)
            self._records[name] = RecordForm(
                fields=tuple(self._field(number, field) for number, field in enumerate(info.fields)),
                array_like=is_tuple or getattr(info, "array_like", False),
                forbid_unknown_fields=is_tuple or getattr(info, "forbid_unknown_fields", False),
                tag_field=getattr(info, "tag_field", None) or "",
                tag=getattr(info, "tag", None),
            )
        return Form("record", name=name)

    def _free_name(self, name: str) -> str:
        """Two classes may have one name."""
        taken = list(self._names.values())
        free, number = name, 2
        while free in taken:
            free, number = f"{name}_{number}", number + 1
        return free

    def _field(self, number: int, field: inspect.Field) -> FieldForm:
        name = field.name if field.name.isidentifier() else f"field_{number}"
        return FieldForm(
            name,
            self.form(field.type),
            required=field.required,
            default=_default(field),
            key="" if field.encode_name == name else field.encode_name,
        )


def _limits(info: inspect.Type) -> dict[str, Any]:
    found = {name: getattr(info, name, None) for name in _LIMITS}
    return {name: value for name, value in found.items() if value is not None}


def _default(field: inspect.Field) -> Any:
    """The default as JSON has it; unset where there is none, or where JSON would change it."""
    default = field.default
    if field.default_factory in _PLAIN_FACTORIES:
        default = field.default_factory()
    if default is NODEFAULT or default is UNSET:
        return UNSET
    try:
        return msgspec.json.decode(msgspec.json.encode(default, order="deterministic"))
    except (TypeError, ValueError, msgspec.MsgspecError):
        return UNSET
