"""Handles that are bound to one key, for as long as they are remembered.

A function of `process` asks for state by its parameters. For each key that it meets the handles are made once and hold
the key's content, so that a call costs no lookup but that of the key. What they were set to reaches the state tables
when a batch is through (`Handles.flush`).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from actorstream.streams.inject import Injection
from actorstream.streams.state import Cell, ListState, MapState, ValueState

Log = list[Any]
"""Cells that were set since the last flush, each once."""


class BoundCell(Cell[Any]):
    """What a list or a map of one key holds; notes in a log that it was set."""

    __slots__ = ("encoded", "is_changed", "log")

    def __init__(self, content: Any, encoded: bytes, log: Log) -> None:
        self.content = content
        self.encoded = encoded
        self.log = log
        self.is_changed = False

    def set(self, content: Any) -> None:
        self.content = content
        if not self.is_changed:
            self.is_changed = True
            self.log.append(self)


class BoundValue(ValueState[Any]):
    """A value of one key, which is its own cell."""

    __slots__ = ("content", "encoded", "is_changed", "log")

    def __init__(self, content: Any, encoded: bytes, log: Log, default: Any) -> None:
        self.content = content
        self.encoded = encoded
        self.log = log
        self.is_changed = False
        self._default = default

    def get(self) -> Any:
        value = self.content
        return self._default if value is None else value

    def set(self, value: Any) -> None:
        self.content = value
        if not self.is_changed:
            self.is_changed = True
            self.log.append(self)

    def clear(self) -> None:
        self.set(None)


class BoundFresh(BoundValue):
    """The same, of a default that can be changed in place: what one key's function does to it is no other's."""

    __slots__ = ()

    def get(self) -> Any:
        value = self.content
        return deepcopy(self._default) if value is None else value


def bound(one: Injection, contents: Sequence[Any], encoded: Sequence[bytes], log: Log) -> list[Any]:
    """The handles that a parameter asks for, for some keys."""
    pairs = zip(contents, encoded, strict=True)
    if one.kind == "value":
        default = one.default
        kind = BoundValue if deepcopy(default) is default else BoundFresh  # What cannot change copies to itself.
        return [kind(content, of, log, default) for content, of in pairs]
    return [_bound_cell(ListState() if one.kind == "list" else MapState(), content, of, log) for content, of in pairs]


def _bound_cell(handle: Any, content: Any, encoded: bytes, log: Log) -> Any:
    handle._cell = BoundCell(content, encoded, log)
    return handle
