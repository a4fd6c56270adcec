"""Values that leave this process: those that can be kept in state, and some that only a running program has.

Functions and classes go by their names, and are found again among the modules that the other process has loaded:
nothing is imported, so nothing runs because of a name. An error becomes a `RemoteError`. Data frames go beside the
message, as Arrow's bytes, which are neither copied into it nor out of it.
"""

from __future__ import annotations

import dataclasses
import sys
import traceback
from collections.abc import Iterable, Sequence
from functools import reduce
from types import BuiltinFunctionType, FunctionType
from typing import Any

from actorstream.errors import BadInput, RemoteError, Unsendable
from actorstream.host.network import Part
from actorstream.model.tagged import FIRST_FREE, MAIN, MAIN_ELSEWHERE, Tagged, name_of

_NAME, _ERROR, _DATACLASS, _FRAME = range(FIRST_FREE, FIRST_FREE + 4)

TRACE_CHARACTERS_MAX = 20_000
"""How much of a traceback goes along with an error; the end of it."""


class Values:
    """Writes and reads values. Not to be used by two at once: data frames are gathered beside it.

    Attributes:
        parts: the bytes of the data frames of the value that is being written, or read.
    """

    def __init__(self) -> None:
        self.parts: list[Part] = []
        build = {_NAME: _named, _ERROR: _error, _DATACLASS: _made, _FRAME: self._frame}
        self._tagged = Tagged(self._other, build)

    def encode(self, value: Any) -> tuple[bytes, list[Part]]:
        """The bytes of a value, and of what goes beside it.

        Raises:
            Unsendable: it holds something that cannot leave this process.
        """
        self.parts = []
        try:
            return self._tagged.encode(value), self.parts
        except BadInput as error:
            raise Unsendable(str(error)) from None
        finally:
            self.parts = []

    def decode(self, data: bytes | memoryview, parts: Sequence[Part]) -> Any:
        """The value again.

        Raises:
            BadInput: the bytes are not such, or name what this process does not have.
        """
        self.parts = list(parts)
        try:
            return self._tagged.decode(bytes(data))
        finally:
            self.parts = []

    def _other(self, value: Any) -> tuple[int, Any]:
        if isinstance(value, type | FunctionType | BuiltinFunctionType):
            return _NAME, _name(value)
        if isinstance(value, BaseException):
            return _ERROR, _facts(value)
        if dataclasses.is_dataclass(value):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
            return _DATACLASS, [_name(type(value)), fields]
        if type(value).__module__.partition(".")[0] == "polars" and type(value).__name__ == "DataFrame":
            self.parts.append(_arrow(value))
            return _FRAME, len(self.parts) - 1
        raise BadInput(
            f"a value of type {type(value).__name__} cannot leave this process; send messages, Records, data classes, "
            "data frames, numbers, strings, lists and dicts"
        )

    def _frame(self, index: Any) -> Any:
        import polars as pl

        if not isinstance(index, int) or not 0 <= index < len(self.parts):
            raise BadInput("a data frame is missing")
        return pl.read_ipc_stream(self.parts[index])  # type: ignore[arg-type]  # Any buffer does.


def _arrow(frame: Any) -> Part:
    from io import BytesIO

    buffer = BytesIO()
    frame.write_ipc_stream(buffer)
    return buffer.getbuffer()


def _name(thing: Any) -> str:
    name = name_of(thing)
    if _find(name) is not thing:
        raise BadInput(
            f"{thing.__qualname__} of {thing.__module__} cannot leave this process, because another one could not find "
            "it; define it at the top level of a module"
        )
    return name


def _find(name: str) -> Any:
    module, _, qualified = name.partition(":")
    names = (MAIN_ELSEWHERE, MAIN) if module == MAIN else (module,)
    for found in [sys.modules[one] for one in names if one in sys.modules]:
        try:
            return reduce(getattr, qualified.split("."), found)
        except AttributeError:
            continue
    return None


def _named(name: Any) -> Any:
    thing = _find(name) if isinstance(name, str) else None
    if not isinstance(thing, type | FunctionType | BuiltinFunctionType):
        raise BadInput(f"this process has nothing called {name!r:.100}")
    return thing


def _facts(error: BaseException) -> list[str]:
    if isinstance(error, RemoteError):
        return [error.kind, error.text, error.trace]
    trace = "".join(traceback.format_exception(error))
    return [f"{type(error).__module__}.{type(error).__qualname__}", str(error), trace[-TRACE_CHARACTERS_MAX:]]


def _error(facts: Any) -> RemoteError:
    if not isinstance(facts, list) or len(facts) != 3 or not all(isinstance(one, str) for one in facts):
        raise BadInput("not an error")
    return RemoteError(*facts)


def _made(parts: Any) -> Any:
    name, fields = _two(parts)
    kind = _named(name)
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(fields, dict)):
        raise BadInput(f"{name!r:.100} is no data class")
    return kind(**fields)


def _two(parts: Iterable[Any]) -> tuple[Any, Any]:
    if not isinstance(parts, list) or len(parts) != 2:
        raise BadInput("not two parts")
    return parts[0], parts[1]
