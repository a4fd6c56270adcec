"""Values that leave this process: those that can be kept in state, and some that only a running program has.

Functions and classes go by their names, and are found again among the modules that the other process has loaded
(`names`). An error becomes a `RemoteError`, unless it is one of ours (`remote_errors`). Data frames, views of memory,
and the long bytes of a message's fields go beside the value: they are not copied into it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from types import BuiltinFunctionType, FunctionType
from typing import Any

import msgspec

from actorstream.actors.wire import arrow, columns, remote_errors
from actorstream.actors.wire.carried import Carried
from actorstream.actors.wire.names import class_called, name_to_send, thing_called
from actorstream.actors.wire.shapes import LONG_BYTES
from actorstream.errors import BadInput, Unsendable
from actorstream.host.network import Part
from actorstream.model.tagged import FIRST_FREE, Tagged

_NAME, _ERROR, _DATACLASS, _FRAME, _BYTES, _VIEW, _BYTEARRAY, _COLUMNS, _CARRIED = range(FIRST_FREE, FIRST_FREE + 9)

_UNWRITABLE = (BadInput, TypeError, ValueError, ArithmeticError, RecursionError)


class Values:
    """Writes and reads values. Not to be used by two at once: what goes beside a value is gathered in it."""

    def __init__(self) -> None:
        self._beside: list[list[Part]] = []
        self._views: Sequence[Part] = ()
        build = {
            _NAME: thing_called,
            _ERROR: remote_errors.error_of,
            _DATACLASS: _made,
            _FRAME: lambda index: arrow.read(self._view(index)),
            _COLUMNS: self._columns,
            _BYTES: lambda index: bytes(self._view(index)),
            _VIEW: lambda index: self._view(index),
            _BYTEARRAY: bytearray,
            _CARRIED: _arrived,
        }
        self._tagged = Tagged(self._other, build, class_called)

    def encode(self, value: Any) -> tuple[bytes, list[Part]]:
        """The bytes of a value, and those of each thing that goes beside it.

        Raises:
            Unsendable: it holds something that cannot leave this process.
        """
        data, beside = self._write(value)
        return data, [parts[0] if len(parts) == 1 else b"".join(parts) for parts in beside]

    def encode_fields(self, message: msgspec.Struct) -> tuple[bytes, list[int], list[Part]]:
        """The bytes of a message's fields, how long each thing beside them is, and their parts, one after the other.

        Raises:
            Unsendable: a field holds something that cannot leave this process.
        """
        try:
            data, beside = self._write({name: _long(getattr(message, name)) for name in message.__struct_fields__})
        except Unsendable as error:
            raise self._explained(message, error) from None
        sizes = [sum(memoryview(part).nbytes for part in parts) for parts in beside]
        return data, sizes, [part for parts in beside for part in parts]

    def decode(self, data: bytes | memoryview | msgspec.Raw, beside: Sequence[Part]) -> Any:
        """The value again.

        Raises:
            BadInput: the bytes are not such, or name what this process does not have.
            Exception: what the constructors of the program's own classes raise.
        """
        self._views = beside
        try:
            return self._tagged.decode(bytes(data))
        finally:
            self._views = ()

    def _write(self, value: Any) -> tuple[bytes, list[list[Part]]]:
        beside: list[list[Part]] = []
        self._beside = beside
        try:
            return self._tagged.encode(value), beside
        except _UNWRITABLE as error:
            raise Unsendable(str(error)) from None
        finally:
            self._beside = []

    def _explained(self, message: msgspec.Struct, error: Unsendable) -> Unsendable:
        for name in message.__struct_fields__:
            try:
                self._write(getattr(message, name))
            except Unsendable as cause:
                return Unsendable(f"{type(message).__name__}.{name} cannot be sent: {cause}")
        return Unsendable(f"{type(message).__name__} cannot be sent: {error}")

    def _other(self, value: Any) -> tuple[int, Any]:
        match value:
            case _Long():
                return self._put(_BYTES, [value.data])
            case type() | FunctionType() | BuiltinFunctionType():
                return _NAME, name_to_send(value)
            case BaseException():
                return _ERROR, remote_errors.facts_of(value)
            case Carried():
                return _CARRIED, [name_to_send(type(value)), value.parts()]
            case memoryview():
                return self._put(_VIEW, [value if type(value.obj) is bytes and value.c_contiguous else bytes(value)])
            case bytearray():
                return _BYTEARRAY, bytes(value)
        if dataclasses.is_dataclass(value):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
            return _DATACLASS, [name_to_send(type(value)), fields]
        if arrow.is_frame(value):
            return self._frame(value)
        raise BadInput(
            f"a value of type {type(value).__name__} cannot leave this process; send messages, Records, data classes, "
            "data frames, numbers, strings, lists and dicts"
        )

    def _frame(self, frame: Any) -> tuple[int, Any]:
        found = columns.parts_of(frame)
        if found is None:
            return self._put(_FRAME, arrow.parts_of(frame))
        sizes, parts = found
        code, index = self._put(_COLUMNS, parts)
        return code, [index, frame.height, *sizes]

    def _columns(self, facts: Any) -> Any:
        if not isinstance(facts, list) or len(facts) < 3 or not all(isinstance(one, int) for one in facts):
            raise BadInput("not a data frame's columns")
        index, height, *sizes = facts
        return columns.read(height, sizes, self._view(index))

    def _put(self, code: int, parts: list[Part]) -> tuple[int, int]:
        self._beside.append(parts)
        return code, len(self._beside) - 1

    def _view(self, index: Any) -> memoryview:
        if not isinstance(index, int) or not 0 <= index < len(self._views):
            raise BadInput("something that should have come beside a value is missing")
        return memoryview(self._views[index])


class _Long:
    """Long bytes of a field."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


def _long(value: Any) -> Any:
    return _Long(value) if type(value) is bytes and len(value) >= LONG_BYTES else value


def _arrived(content: Any) -> Any:
    if not isinstance(content, list) or len(content) != 2:
        raise BadInput("not a name and parts")
    name, parts = content
    kind = thing_called(name)
    if not (isinstance(kind, type) and issubclass(kind, Carried)):
        raise BadInput(f"{name!r:.100} does not say how it travels")
    return kind.arrived(parts)


def _made(parts: Any) -> Any:
    if not isinstance(parts, list) or len(parts) != 2:
        raise BadInput("not a name and fields")
    name, fields = parts
    kind = thing_called(name)
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(fields, dict)):
        raise BadInput(f"{name!r:.100} is no data class")
    return kind(**fields)
