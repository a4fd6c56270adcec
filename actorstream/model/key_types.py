"""What the type of a key tells about the keys of that type."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from actorstream.model.record import Record

_KINDS: tuple[type, ...] = (Enum, Record, tuple, bool, datetime, date, UUID, str, int, bytes, types.NoneType)
"""Keys of two of these are never the same key; the first that fits counts, as in their encoding."""


def alternatives(kind: Any) -> Iterator[Any]:
    """The types that a value of this type may have.

    Example:
        >>> list(alternatives(int | None))
        [<class 'int'>, <class 'NoneType'>]
    """
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        yield from alternatives(typing.get_args(kind)[0])
    elif origin is typing.Literal:
        yield from map(type, typing.get_args(kind))
    elif origin is typing.Union or isinstance(kind, types.UnionType):
        for one in typing.get_args(kind):
            yield from alternatives(one)
    else:
        yield kind


def can_be_same(one: Any, other: Any) -> bool:
    """Whether a key of one type may be the same key as one of the other; True where the types don't tell.

    Example:
        >>> can_be_same(int, int | None), can_be_same(int, str), can_be_same(tuple[int, str], tuple[int, int])
        (True, False, False)
    """
    return any(_alike(left, right) for left in alternatives(one) for right in alternatives(other))


def are_keys(kind: Any) -> bool:
    """Whether all that is of this type can be a key, and that is known; a float cannot.

    Example:
        >>> are_keys(tuple[int, str]), are_keys(float | None)
        (True, False)
    """
    return all(_is_key(one) for one in alternatives(kind))


def _is_key(one: Any) -> bool:
    kind, parts = _kind(one), [part for part in typing.get_args(one) if part is not Ellipsis]
    if kind is tuple or kind is Record:
        return bool(parts) and all(map(are_keys, parts))
    return kind is not None


def _alike(one: Any, other: Any) -> bool:
    kinds = _kind(one), _kind(other)
    if kinds == (tuple, tuple):
        return _alike_tuples(typing.get_args(one), typing.get_args(other))
    return None in kinds or kinds[0] is kinds[1]


def _alike_tuples(ones: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    if not ones or not others or Ellipsis in (*ones, *others):
        return True
    return len(ones) == len(others) and all(map(can_be_same, ones, others))


def _kind(one: Any) -> type | None:
    if one is None:
        return types.NoneType
    plain = typing.get_origin(one) or one
    if not isinstance(plain, type):
        return None
    return next((kind for kind in _KINDS if issubclass(plain, kind)), None)
