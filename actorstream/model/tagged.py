"""Values written with their types: what is read is what was written, without being told the type.

MessagePack in which numbers, texts, bytes, lists, dicts and aware times stand for themselves, and everything else is an
extension: a code, and the parts out of which the value is made again. Records and Enums are found again by the name of
their class, among the classes that the program has; nothing is imported, and nothing but such a class is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec

from actorstream.errors import BadInput

_pack: Callable[[Any], bytes] = msgspec.msgpack.Encoder().encode
_AS_THEY_ARE = frozenset({str, float, bool, bytes, type(None)})
_WORD_MIN, _WORD_MAX = -(2**63), 2**64 - 1  # What MessagePack can hold of an int.

_TUPLE, _SET, _FROZENSET, _DICT, _INT, _DATE, _TIME, _NAIVE, _SPAN, _DECIMAL, _UUID, _ENUM, _STRUCT, _NAMED = range(14)


FIRST_FREE = 64
"""Codes from here on are for those who write more kinds of values."""

MAIN, MAIN_ELSEWHERE = "__main__", "__actorstream_main__"
"""What the file that a program was started with is called: by Python, and in the program's other processes."""

Other = Callable[[Any], tuple[int, Any]]
Find = Callable[[type, str], Any]


class Tagged:
    """See the module. Remembers the classes that it has found.

    Args:
        other: writes what is none of the kinds named above, as a code from `FIRST_FREE` on, and content.
        build: makes it again, by code, out of the content.
        find: finds the class below a base that has this name, or raises `BadInput`; `class_named` if None.
    """

    def __init__(
        self,
        other: Other | None = None,
        build: Mapping[int, Callable[[Any], Any]] | None = None,
        find: Find | None = None,
    ) -> None:
        self._other = other or _refuse
        self._find_class = find or class_named
        self._others = build or {}
        self._decoder = msgspec.msgpack.Decoder(ext_hook=self._build)
        self._classes: dict[tuple[int, str], Any] = {}

    def encode(self, value: Any) -> bytes:
        """The bytes of a value.

        Raises:
            BadInput: it holds something that cannot be written.
        """
        try:
            return _pack(_plain(value, self._other))
        except (UnicodeEncodeError, RecursionError) as error:
            raise BadInput(f"a value cannot be written: {error}") from error

    def decode(self, data: bytes) -> Any:
        """The value again.

        Raises:
            BadInput: not such bytes, or of a class that the program has no more.
        """
        try:
            return self._decoder.decode(data)
        except (TypeError, ValueError, ArithmeticError, RecursionError, msgspec.MsgspecError) as error:
            raise BadInput(str(error)) from error

    def _build(self, code: int, data: memoryview) -> Any:
        parts = self._decoder.decode(data)
        build = _BUILD.get(code) or self._others.get(code)
        if build is not None:
            return build(parts)
        name, content = parts
        kind = self._classes.get((code, name)) or self._find(code, name)
        if code == _ENUM:
            return kind(content)
        return kind(**content) if code == _STRUCT else kind(*content)

    def _find(self, code: int, name: str) -> Any:
        bases = {_ENUM: Enum, _STRUCT: msgspec.Struct, _NAMED: tuple}
        if code not in bases:
            raise BadInput(f"{code} is no code of a value")
        kind = self._classes[code, name] = self._find_class(bases[code], name)
        return kind


def _plain(value: Any, other: Other) -> Any:
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is int:
        return value if _is_word(value) else _ext(_INT, str(value))
    if kind is list:
        return [_plain(one, other) for one in value]
    if kind is dict:
        if all(type(key) is str or _is_word(key) for key in value):
            return {key: _plain(one, other) for key, one in value.items()}
        return _ext(_DICT, [[_plain(key, other), _plain(one, other)] for key, one in value.items()])
    return _plain_other(value, other)


def _is_word(value: Any) -> bool:
    return type(value) is int and _WORD_MIN <= value <= _WORD_MAX


def _plain_other(value: Any, other: Other) -> Any:
    match value:
        case Enum():
            return _ext(_ENUM, [_name_of(value), _plain(value.value, other)])
        case msgspec.Struct():
            fields = {name: _plain(getattr(value, name), other) for name in value.__struct_fields__}
            return _ext(_STRUCT, [_name_of(value), fields])
        case tuple():
            parts = [_plain(one, other) for one in value]
            return _ext(_NAMED, [_name_of(value), parts]) if hasattr(value, "_fields") else _ext(_TUPLE, parts)
        case set() | frozenset():
            parts = sorted((_plain(one, other) for one in value), key=_pack)
            return _ext(_SET if isinstance(value, set) else _FROZENSET, parts)
        case datetime():
            return value if value.tzinfo is not None else _ext(_NAIVE, value.isoformat())
        case date():
            return _ext(_DATE, value.toordinal())
        case time():
            return _ext(_TIME, value.isoformat())
        case timedelta():
            return _ext(_SPAN, [value.days, value.seconds, value.microseconds])
        case Decimal():
            return _ext(_DECIMAL, str(value))
        case UUID():
            return _ext(_UUID, value.bytes)
    bases: tuple[Any, ...] = (str, int, float, bytes, list, dict)
    for base in bases:  # A subclass of one of these is kept as what it extends.
        if isinstance(value, base):
            return _plain(base(value), other)
    code, content = other(value)
    return _ext(code, _plain(content, other))


_BUILD: dict[int, Callable[[Any], Any]] = {
    _TUPLE: tuple,
    _SET: set,
    _FROZENSET: frozenset,
    _DICT: dict,
    _INT: int,
    _DATE: date.fromordinal,
    _TIME: time.fromisoformat,
    _NAIVE: datetime.fromisoformat,
    _SPAN: lambda parts: timedelta(*parts),
    _DECIMAL: Decimal,
    _UUID: lambda data: UUID(bytes=data),
}


def _refuse(value: Any) -> tuple[int, Any]:
    raise BadInput(
        f"a value of type {type(value).__name__} cannot be kept in state; use Records, numbers, strings, datetimes, "
        "lists and dicts"
    )


def _ext(code: int, content: Any) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(code, _pack(content))


def _name_of(value: Any) -> str:
    return name_of(type(value))


def name_of(thing: Any) -> str:
    """The name by which every process of a program knows a class or a function of a module.

    Example:
        >>> name_of(Tagged)
        'actorstream.model.tagged:Tagged'
    """
    return f"{_module_of(thing)}:{thing.__qualname__}"


def _module_of(thing: Any) -> str:
    module: str = thing.__module__
    return MAIN if module == MAIN_ELSEWHERE else module


def class_named(base: type, name: str, *, elsewhere: bool = True) -> Any:
    """The class below `base` of that name.

    Args:
        base: what it must be derived from.
        name: as `name_of` gives it.
        elsewhere: it may be of another module, if only one has such a class: the same program is `__main__` when it is
            run by itself.

    Raises:
        BadInput: the program has none.
    """
    module, _, qualified = name.partition(":")
    alike = [one for one in _below(base) if one.__qualname__ == qualified]
    exact = [one for one in alike if _module_of(one) == module]
    if not exact and not (elsewhere and len({_module_of(one) for one in alike}) == 1):
        raise BadInput(f"the program has no class {qualified} in {module}")
    return (exact or alike)[-1]  # The last: a notebook's cell that was run again has made another.


def _below(base: type[Any]) -> Iterator[type[Any]]:
    for one in base.__subclasses__():
        yield one
        yield from _below(one)
