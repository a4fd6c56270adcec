"""The identity of a key: the bytes that tell it from every other key, on every machine and in every run.

Keys are str, int, bytes, bool, date, datetime, UUID, Enum, None, and tuples or Records of these. Two keys are the same
exactly when their encodings are: 1 and True differ, and so do 1 and "1". A float is refused, because floats that look
alike differ in their last bits.

An encoding is MessagePack: a plain value stands for itself, all others are `[tag, value]` with a tag of one letter, so
that a list is never ambiguous. `decode` needs the key's type only for Enums and Records.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import xxhash

from actorstream.errors import BadInput
from actorstream.model.instant import to_datetime, to_instant
from actorstream.model.key_types import alternatives
from actorstream.model.record import Record

KEY_GROUPS = 256
"""Shares of the key space that a job's state is kept and moved in; fixed when the job is created."""

_MEMO_MAX = 65_536  # Encodings remembered per type; beyond it they are forgotten and made again.

_pack: Callable[[Any], bytes] = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


class BadKey(BadInput, TypeError):
    """A value that cannot be a key."""


def encode(key: Any) -> bytes:
    """The canonical encoding of one key.

    Raises:
        BadKey: (a ValueError and TypeError) the value cannot be a key.

    Example:
        >>> encode(1) == encode(True), encode(("a", 1)) == encode(("a", 1))
        (False, True)
    """
    try:
        return _pack(_plain(key))
    except UnicodeEncodeError as error:
        raise BadKey(f"{key!r} cannot be a key: {error}") from error


def decode(data: bytes, kind: Any = Any) -> Any:
    """The key again; `kind` is its type, needed for Enums, Records and tuples with names.

    Raises:
        BadKey: not the encoding of a key, or not of that type.
    """
    try:
        return _build(_value(_unpack(data)), kind)
    except BadKey:
        raise
    except (LookupError, TypeError, ValueError, ArithmeticError, RecursionError, msgspec.MsgspecError) as error:
        raise BadKey(f"{data!r} is not the encoding of a key of type {kind}: {error}") from error


def encode_all(keys: Sequence[Any]) -> list[bytes]:
    """`encode` for many keys, fastest where all are str, or all int."""
    kinds = set(map(type, keys))
    if kinds == {int} and min(keys) >= _WORD_MIN and max(keys) <= _WORD_MAX:
        return list(map(_pack, keys))
    if kinds == {str}:
        try:
            return list(map(_pack, keys))
        except UnicodeEncodeError:
            pass
    return [encode(key) for key in keys]


def key_group(encoded: bytes) -> int:
    """Which of the `KEY_GROUPS` shares a key belongs to."""
    return xxhash.xxh64_intdigest(encoded) % KEY_GROUPS


class Encoder:
    """`encode` for many keys at once, remembering what it has seen."""

    def __init__(self) -> None:
        self._memos: dict[type, dict[Any, bytes]] = {str: {}, int: {}, bytes: {}, bool: {}, date: {}, UUID: {}}

    def encode_all(self, keys: Sequence[Any]) -> list[bytes]:
        """The encodings of `keys`, in their order."""
        kinds = set(map(type, keys))
        memo = self._memos.get(kinds.pop()) if len(kinds) == 1 else None
        if memo is None:
            return [encode(key) for key in keys]
        if len(memo) > _MEMO_MAX:
            memo.clear()
        return [memo.get(key) or self._remember(memo, key) for key in keys]

    @staticmethod
    def _remember(memo: dict[Any, bytes], key: Any) -> bytes:
        encoded = memo[key] = encode(key)
        return encoded


class _Named:
    """An Enum or a Record on its way back: its content, still without its class."""

    def __init__(self, tag: str, content: Any) -> None:
        self.tag, self.content = tag, content


def _build(value: Any, kind: Any) -> Any:
    """Give Enums and Records, also within tuples, their classes back."""
    if isinstance(value, tuple):
        return _build_tuple(value, kind)
    if not isinstance(value, _Named):
        return value
    for one in alternatives(kind):
        if value.tag == "e" and _is_below(one, Enum) and value.content in [member.value for member in one]:
            return one(value.content)
        if value.tag == "r" and _is_below(one, Record) and len(value.content) == len(one.__struct_fields__):
            fields = msgspec.structs.fields(one)
            return one(**{to.name: _build(part, to.type) for part, to in zip(value.content, fields, strict=True)})
    raise BadKey(
        "a key that is an Enum or a Record can be restored only when its type is known: annotate what the function "
        "given to key_by returns"
    )


def _build_tuple(parts: tuple[Any, ...], kind: Any) -> Any:
    for one in alternatives(kind):
        inner = typing.get_args(one)
        if len(inner) == 2 and inner[1] is Ellipsis:
            inner = (inner[0],) * len(parts)
        elif _is_below(one, tuple):
            inner = tuple(typing.get_type_hints(one).values())
        if len(inner) == len(parts):
            built = tuple(_build(part, of) for part, of in zip(parts, inner, strict=True))
            return one(*built) if _is_below(one, tuple) else built
    return tuple(_build(part, Any) for part in parts)


def _is_below(kind: Any, base: type) -> bool:
    """Whether it is a class made from `base`; `tuple[int, int]` is not, it only describes one."""
    return isinstance(kind, type) and issubclass(kind, base) and kind is not base


def _plain(key: Any) -> Any:
    kind = type(key)
    if kind in _AS_THEY_ARE:
        return key if kind is not int or _WORD_MIN <= key <= _WORD_MAX else ["i", str(key)]
    if isinstance(key, tuple):
        return ["t", [_plain(part) for part in key]]
    if isinstance(key, Enum):
        return ["e", _plain(key.value)]
    if isinstance(key, Record):
        return ["r", [_plain(part) for part in msgspec.structs.astuple(key)]]
    if isinstance(key, datetime):
        return ["d", to_instant(key)]
    if isinstance(key, date):
        return ["D", key.toordinal()]
    if isinstance(key, UUID):
        return ["u", key.bytes]
    if isinstance(key, float):
        raise BadKey(f"{key!r} is a float and cannot be a key; round it to an int, or use a str or a Decimal's text")
    for base in _BASES:
        if isinstance(key, base):
            return _plain(base(key))
    raise BadKey(
        f"{key!r} cannot be a key; use str, int, bytes, bool, date, datetime, UUID, Enum, None, or tuples or Records "
        "of these"
    )


_BASES: tuple[Any, ...] = (str, int, bytes)  # A value of a class derived from one of these counts as that.
_AS_THEY_ARE = frozenset({str, int, bytes, bool, type(None)})

_WORD_MIN, _WORD_MAX = -(2**63), 2**64 - 1  # What MessagePack can hold of an int.

_BACK: dict[str, Callable[[Any], Any]] = {
    "i": int,
    "t": lambda parts: tuple(_value(part) for part in parts),
    "e": lambda content: _Named("e", _value(content)),
    "r": lambda parts: _Named("r", [_value(part) for part in parts]),
    "d": to_datetime,
    "D": date.fromordinal,
    "u": lambda data: UUID(bytes=data),
}


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        tag, content = plain
        return _BACK[tag](content)
    return plain
