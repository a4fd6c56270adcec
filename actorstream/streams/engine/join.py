"""Joining a stream with a table: the latest value of each key, looked up for each record."""

from __future__ import annotations

from typing import Any

from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.guard import GuardedStage, Now, kept
from actorstream.streams.engine.keys import KeyEncoder, keys_of
from actorstream.streams.engine.pausable import Work
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.nodes import KeyBy, TableJoin
from actorstream.streams.store.table import StateTable


class TableJoinStage(GuardedStage):
    """`keyed.join(table)`. `table_side` is where the table's records go in; they have no part in event time."""

    def __init__(self, node: TableJoin, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._node = node
        self._stream_key, self._table_key = _keys(node)
        self._encoder = KeyEncoder(self._stream_key)
        self._table: StateTable[Any] = StateTable("table", node.table_type)
        self.tables = [self._table]
        self.table_side = _TableSide(f"{node.name}.table", self._table, self._table_key)

    def work(self, batch: Batch) -> Work:
        rows = batch.rows()
        encoded = self._encoder.encode_all(keys_of(batch, self._stream_key))
        self._table.fetch(0, encoded)
        get = self._table.get
        found = [get(0, key) for key in encoded]
        places = list(range(len(rows)))
        if self._node.how == "inner":
            places = [place for place, one in enumerate(found) if one is not None]
        pairs = [(rows[place], found[place]) for place in places]
        values: list[Any] = pairs
        function = self._node.function
        if function is not None:
            failed, values = yield from self.guard.each(lambda pair: function(*pair), batch, pairs, places)
            if failed:
                places = [places[index] for index in kept(failed, len(places))]
        self.emit(batch.choose(places, values, self._node.type))


class _TableSide(Stage):
    """Takes the table's records in."""

    def __init__(self, name: str, table: StateTable[Any], key: KeyBy) -> None:
        super().__init__(name)
        self._table = table
        self._key = key
        self._encoder = KeyEncoder(key)

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
