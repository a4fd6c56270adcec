"""Times in one form: every datetime that enters is aware and in UTC; a naive one is read as UTC.

The common case is a batch whose times are in UTC already: one look at each, no call into Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, get_args

import msgspec

from actorstream.model.columns import column_of
from actorstream.model.record import is_record_type

_KINDS_MAX = 256  # Types whose times are remembered; another one is looked at again.


def as_utc(rows: list[Any], kind: Any) -> list[Any]:
    """The rows, with every datetime in them in UTC; the same list when nothing had to change.

    Args:
        rows: values that fit `kind`.
        kind: a Record type, `datetime`, or any other type; times in a value of type `Any` are left alone.

    Example:
        >>> as_utc([datetime(2013, 1, 1, 12)], datetime)
        [datetime.datetime(2013, 1, 1, 12, 0, tzinfo=datetime.timezone.utc)]
    """
    for fix in _fixes(kind):
        rows = fix(rows)
    return rows


def all_as_utc(values: Iterable[Any]) -> list[Any]:
    """Values of any types, with every datetime in them in UTC; slower than `as_utc`, because each is walked."""
    return [_walk(value) for value in values]


def to_utc(time: datetime) -> datetime:
    """The same moment in UTC; a naive time is read as UTC."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


@lru_cache(maxsize=_KINDS_MAX)
def _fixes(kind: Any) -> tuple[Callable[[list[Any]], list[Any]], ...]:
    if not is_record_type(kind):
        return (all_as_utc,) if _holds_times(kind, ()) else ()
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    plain = [name for name, of in types.items() if of is datetime]
    deep = [name for name, of in types.items() if of is not datetime and _holds_times(of, ())]
    return (*(_field_fix(name) for name in plain), *((_deep_fix(tuple(deep)),) if deep else ()))


def _field_fix(name: str) -> Callable[[list[Any]], list[Any]]:
    """A datetime field: in UTC when its tzinfo is the one UTC object, which `count` compares by identity."""
    zones = column_of(f"{name}.tzinfo")

    def fix(rows: list[Any]) -> list[Any]:
        if zones(rows).count(UTC) == len(rows):
            return rows
        return [msgspec.structs.replace(row, **{name: to_utc(getattr(row, name))}) for row in rows]

    return fix


def _deep_fix(names: tuple[str, ...]) -> Callable[[list[Any]], list[Any]]:
    """Fields that hold times further in, or none: each value is walked."""

    def fix(rows: list[Any]) -> list[Any]:
        return [_fix_fields(row, names) for row in rows]

    return fix


def _fix_fields(row: Any, names: Iterable[str]) -> Any:
    changed = {}
    for name in names:
        old = getattr(row, name)
        new = _walk(old)
        if new is not old:
            changed[name] = new
    return msgspec.structs.replace(row, **changed) if changed else row


def _walk(value: Any) -> Any:
    """`value` with its times in UTC; itself when they are already."""
    if isinstance(value, datetime):
        return value if value.tzinfo is UTC else to_utc(value)
    if isinstance(value, msgspec.Struct):
        return _fix_fields(value, value.__struct_fields__)
    if isinstance(value, dict):
        parts = {key: _walk(part) for key, part in value.items()}
        return parts if any(parts[key] is not part for key, part in value.items()) else value
    if isinstance(value, (list, tuple)):
        items = [_walk(item) for item in value]
        same = all(new is old for new, old in zip(items, value, strict=True))
        return value if same else items if isinstance(value, list) else tuple(items)
    if isinstance(value, (set, frozenset)):
        return type(value)(_walk(item) for item in value)
    return value


def _holds_times(kind: Any, within: tuple[Any, ...]) -> bool:
    """Whether a value of this type may hold a datetime that its type shows."""
    if kind is datetime:
        return True
    if is_record_type(kind):
        if kind in within:
            return False
        inside = (*within, kind)
        return any(_holds_times(field.type, inside) for field in msgspec.structs.fields(kind))
    return any(_holds_times(part, within) for part in get_args(kind))
