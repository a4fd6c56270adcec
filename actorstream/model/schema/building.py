"""Makes a type from a description, so that a process without the user's class can check values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, ForwardRef, Literal, Union
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from actorstream.model.record import Record
from actorstream.model.schema.forms import Description, FieldForm, Form, RecordForm, bad, read

_PLAIN: dict[str, Any] = {
    "any": Any,
    "bool": bool,
    "bytes": bytes,
    "date": date,
    "datetime": datetime,
    "decimal": Decimal,
    "float": float,
    "int": int,
    "null": None,
    "str": str,
    "time": time,
    "timedelta": timedelta,
    "uuid": UUID,
}
_IMMUTABLE = (bool, bytes, date, datetime, Decimal, float, int, str, time, timedelta, type(None), UUID)


def build(description: dict[str, Any]) -> Any:
    """The type that a description stands for: records as Record types, Enums as Literals of their values.

    A field whose default is unknown is left unset (`msgspec.UNSET`) when it is absent, and absent again when encoded.

    Raises:
        UnsupportedFormat: a newer version wrote the description.
        BadInput: it is none.

    Example:
        >>> from actorstream.model.schema import describe
        >>> build(describe(dict[str, int]))
        dict[str, int]
    """
    builder = _Builder(read(description))
    try:
        made = builder.build()
        msgspec.json.Decoder(made)
    except (TypeError, ValueError, RecursionError, re.error, msgspec.MsgspecError) as error:
        raise bad(str(error)) from error
    return made


class _Builder:
    """Builds each record once. One that is still being built is named instead, and found by that name later."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._made: dict[str, Any] = {}
        self._defaults: list[_Default] = []
        self._begun: dict[str, str] = {}  # Record names to the names by which fields refer to them.

    def build(self) -> Any:
        made = self._type(self._description.type)
        for record in self._made.values():
            for name, reference in self._begun.items():
                setattr(record, reference, self._made[name])  # msgspec looks among a class's own names.
        for default in self._defaults:
            default.settle()
        return made

    def _type(self, form: Form) -> Any:
        made = self._bare_type(form)
        limits: dict[str, Any] = form.limits
        return Annotated[made, msgspec.Meta(**limits)] if limits else made

    def _bare_type(self, form: Form) -> Any:
        items = form.items
        match form.kind:
            case "list":
                return list[self._type(items[0])]  # type: ignore[misc]
            case "set":
                return set[self._type(items[0])]  # type: ignore[misc]
            case "frozenset":
                return frozenset[self._type(items[0])]  # type: ignore[misc]
            case "array":
                return tuple[self._type(items[0]), ...]  # type: ignore[misc]
            case "tuple":
                return tuple[tuple(map(self._type, items))]  # type: ignore[misc]
            case "dict":
                return dict[self._type(items[0]), self._type(items[1])]  # type: ignore[misc]
            case "union":
                return self._union(items)
            case "literal" | "enum":
                return Union[_literals(form.values)]  # noqa: UP007 - made at run time
            case "record":
                return self._record(form.name)
        return _PLAIN[form.kind]

    def _union(self, items: tuple[Form, ...]) -> Any:
        """A union; its Literals and Enums become one, because msgspec admits few."""
        values = tuple(value for item in items if item.kind in ("literal", "enum") for value in item.values)
        types = [self._type(item) for item in items if item.kind not in ("literal", "enum")]
        return Union[(*types, *_literals(values))]

    def _record(self, name: str) -> Any:
        if name in self._made:
            return self._made[name]
        if name in self._begun:
            return ForwardRef(self._begun[name])
        self._begun[name] = f"_record_{len(self._begun)}"
        self._made[name] = self._struct(name, self._description.records[name])
        return self._made[name]

    def _struct(self, name: str, record: RecordForm) -> Any:
        required = [bool(field.required) for field in record.fields]
        return msgspec.defstruct(
            name,
            [self._field(name, field) for field in record.fields],
            bases=(Record,),
            frozen=True,
            kw_only=required != sorted(required, reverse=True),  # Else none without a default may follow one with.
            rename={field.name: field.key for field in record.fields if field.key} or None,
            array_like=record.array_like,
            forbid_unknown_fields=record.forbid_unknown_fields,
            tag_field=record.tag_field or None,
            tag=record.tag,
        )

    def _field(self, record: str, field: FieldForm) -> Any:
        kind = self._type(field.type)
        if field.required:
            return (field.name, kind)
        if field.default is UNSET:
            return (field.name, Union[kind, UnsetType], UNSET)  # noqa: UP007 - made at run time
        default = _Default(field.default, field.name, lambda: self._made[record])
        self._defaults.append(default)
        return (field.name, kind, msgspec.field(default_factory=default))


def _literals(values: tuple[str | int | None, ...]) -> tuple[Any, ...]:
    """The values as types: a Literal for texts, one for numbers, because older versions of msgspec sort them."""
    kinds = ([value for value in values if isinstance(value, kind)] for kind in (str, int))
    return (*(Literal[tuple(kind)] for kind in kinds if kind), *([None] if None in values else []))


class _Default:
    """The default of a field. Its type may refer to a record that is still being built, so it is settled at the end."""

    def __init__(self, data: Any, name: str, owner: Callable[[], Any]) -> None:
        self._data, self._name, self._owner = data, name, owner
        self._is_settled = False

    def settle(self) -> None:
        """Find the type of the field, once; a default may need the default of another field.

        Raises:
            msgspec.ValidationError: the default does not fit it.
        """
        kinds = {field.name: field.type for field in msgspec.structs.fields(self._owner())}
        self._kind = kinds[self._name]
        self._value = msgspec.convert(self._data, self._kind)
        self._is_shared = type(self._value) in _IMMUTABLE
        self._is_settled = True

    def __call__(self) -> Any:
        if not self._is_settled:
            self.settle()
        return self._value if self._is_shared else msgspec.convert(self._data, self._kind)
