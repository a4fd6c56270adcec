"""Gives each record its key."""

from __future__ import annotations

from typing import Any

from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import call_each
from actorstream.streams.engine.fields import values_of
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.nodes import KeyBy


class KeyStage(Stage):
    """`key_by`. Keys that are fields of a columnar batch are left there, for stages that can use columns."""

    def __init__(self, node: KeyBy) -> None:
        super().__init__(node.name)
        self._node = node

    def push(self, batch: Batch) -> None:
        in_columns = self._node.fields and batch.is_columns
        self.emit(batch.with_keys(None if in_columns else _made(batch, self._node)))


def keys_of(batch: Batch, node: KeyBy) -> list[Any]:
    """The keys of a batch that the stage of `node` has passed on."""
    return _made(batch, node) if batch.keys is None else batch.keys


def _made(batch: Batch, node: KeyBy) -> list[Any]:
    if node.function is not None:
        return call_each(node.name, node.function, batch, batch.rows())
    fields = [values_of(node.name, field, batch) for field in node.fields]
    return fields[0] if len(fields) == 1 else list(zip(*fields, strict=True))
