"""A table: the latest value by key of a topic or stream, for others to join with."""

from __future__ import annotations

from typing import Generic, TypeVar

from actorstream.streams.plan import nodes

K = TypeVar("K")
V = TypeVar("V")


class Table(Generic[K, V]):
    """Made by `App.table`; given to `KeyedStream.join`."""

    def __init__(self, node: nodes.KeyBy) -> None:
        self.node = node

    @property
    def name(self) -> str:
        """The name of what the table is made from."""
        return self.node.inputs[0].name

    def __repr__(self) -> str:
        return f"Table({self.name!r})"
