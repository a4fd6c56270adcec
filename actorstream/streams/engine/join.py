"""Joining a stream with a table: the latest value of each key, looked up for each record."""

from __future__ import annotations

from typing import Any

from actorstream.model.identity import Encoder
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import consumed, fail
from actorstream.streams.engine.keys import keys_of
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.nodes import KeyBy, TableJoin
from actorstream.streams.store.table import StateTable


class TableJoinStage(Stage):
    """`keyed.join(table)`. `table_side` is where the table's records go in; they have no part in event time."""

    def __init__(self, node: TableJoin) -> None:
        super().__init__(node.name)
        self._node = node
        self._stream_key, self._table_key = _keys(node)
        self._encoder = Encoder()
        self._table: StateTable[Any] = StateTable("table", node.table_type)
        self.tables = [self._table]
        self.table_side = _TableSide(f"{node.name}.table", self._table, self._table_key)

    def push(self, batch: Batch) -> None:
        rows = batch.rows()
        encoded = self._encoder.encode_all(keys_of(batch, self._stream_key))
        get = self._table.get
        found = [get(0, key) for key in encoded]
        places = range(len(rows))
        if self._node.how == "inner":
            places = [place for place, one in enumerate(found) if one is not None]  # type: ignore[assignment]
        pairs = [(rows[place], found[place]) for place in places]
        values = pairs if self._node.function is None else self._call(batch, list(places), pairs)
        self.emit(batch.choose(places, values, self._node.type))

    def _call(self, batch: Batch, places: list[int], pairs: list[tuple[Any, Any]]) -> list[Any]:
        function = self._node.function
        assert function is not None
        left = iter(pairs)
        try:
            return [function(value, other) for value, other in left]
        except Exception as error:
            fail(self.name, batch, places[consumed(left, len(pairs))], error)


class _TableSide(Stage):
    """Takes the table's records in."""

    def __init__(self, name: str, table: StateTable[Any], key: KeyBy) -> None:
        super().__init__(name)
        self._table = table
        self._key = key
        self._encoder = Encoder()

    def push(self, batch: Batch) -> None:
        encoded = self._encoder.encode_all(keys_of(batch, self._key))
        for key, value in zip(encoded, batch.rows(), strict=True):
            if value is None:
                self._table.delete(0, key)
            else:
                self._table.put(0, key, value)


def _keys(node: TableJoin) -> tuple[KeyBy, KeyBy]:
    stream, table = node.inputs
    assert isinstance(stream, KeyBy)
    assert isinstance(table, KeyBy)
    return stream, table
