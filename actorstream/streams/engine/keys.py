"""Gives each record its key."""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import Any

from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import call_each
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.nodes import KeyBy


class KeyStage(Stage):
    """`key_by`. Keys that are fields of a columnar batch are left there, for stages that can use columns."""

    def __init__(self, node: KeyBy) -> None:
        super().__init__(node.name)
        self._node = node

    def push(self, batch: Batch) -> None:
        if self._node.fields and batch.is_columns:
            self.emit(batch)
        else:
            self.emit(batch.with_keys(keys_of(batch, self._node)))


def keys_of(batch: Batch, node: KeyBy) -> list[Any]:
    """The keys of a batch's records: those it carries, else computed."""
    if batch.keys is not None:
        return batch.keys
    if node.function is not None:
        return call_each(node.name, node.function, batch, batch.rows())
    if batch.is_columns:
        columns = [batch.frame()[field].to_list() for field in node.fields]
        return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
    rows = batch.rows()
    getter: Any = itemgetter if rows and isinstance(rows[0], dict) else attrgetter
    return call_each(node.name, getter(*node.fields), batch, rows)
