"""Two-phase sinks in memory, in the place of an app's own: a test must not write where the app itself writes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from actorstream.model.values import encode_value
from actorstream.streams.connector import TwoPhaseSink
from actorstream.streams.plan.nodes import Node, ToSink


class MemorySink:
    """A `TwoPhaseSink` whose parts are lists. It lives as long as a disk would: longer than what writes to it."""

    def __init__(self) -> None:
        self._prepared: dict[str, list[Any]] = {}
        self._committed: dict[str, list[Any]] = {}

    def open(self, handle: str, /) -> MemoryWriter:
        """A writer of one part."""
        return MemoryWriter(self._prepared, handle)

    def commit(self, handle: str, /) -> None:
        """Make a part visible; nothing happens if it is."""
        if handle in self._prepared:
            self._committed[handle] = self._prepared.pop(handle)

    def abort(self, keep: Collection[str], prefix: str, /) -> None:
        """Remove the parts that will never be visible."""
        for handle in [one for one in self._prepared if one.startswith(prefix) and one not in keep]:
            del self._prepared[handle]

    def values(self) -> list[Any]:
        """What a reader sees, in the order of lane, epoch and checkpoint."""
        return [value for handle in sorted(self._committed) for value in self._committed[handle]]

    def leftovers(self) -> list[str]:
        """Parts that are neither visible nor removed."""
        return sorted(self._prepared)

    def clear(self) -> None:
        """Begin anew."""
        self._prepared.clear()
        self._committed.clear()


class MemoryWriter:
    """One part on its way."""

    def __init__(self, prepared: dict[str, list[Any]], handle: str) -> None:
        self._prepared = prepared
        self._handle = handle
        self._values: list[Any] = []

    def write(self, values: Sequence[Any], /) -> None:
        """Take some values."""
        self._values.extend(values)

    def prepare(self) -> None:
        """Keep them, whatever happens to the writer."""
        self._prepared[self._handle] = self._values


class MemorySinks:
    """The memory sinks of an app: for each of its own two-phase sinks one. An `Outside` for `simulate`."""

    def __init__(self) -> None:
        self.by_sink: dict[Any, MemorySink] = {}

    def put_in(self, ends: tuple[Node, ...]) -> tuple[Node, ...]:
        """The same ends of paths, with memory sinks in the place of two-phase ones."""
        return tuple(self._replaced(end) for end in ends)

    def _replaced(self, end: Node) -> Node:
        if not isinstance(end, ToSink) or not isinstance(end.sink, TwoPhaseSink):
            return end
        return replace(end, sink=self.by_sink.setdefault(end.sink, MemorySink()))

    def clear(self) -> None:
        """See `Outside`."""
        for sink in self.by_sink.values():
            sink.clear()

    def read(self) -> list[str]:
        """See `Outside`; the values as JSON."""
        return [encode_value(value).decode() for sink in self.by_sink.values() for value in sink.values()]

    def leftovers(self) -> list[str]:
        """See `Outside`."""
        return [handle for sink in self.by_sink.values() for handle in sink.leftovers()]
