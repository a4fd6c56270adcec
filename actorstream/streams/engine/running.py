"""Running results of a key, emitted at every record: `reduce` and `aggregate` without a window."""

from __future__ import annotations

from functools import partial
from typing import Any

from actorstream.errors import OperatorError
from actorstream.model.identity import decode
from actorstream.streams.engine.aggregate import Accumulators, Columns, Folding
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import cause_of
from actorstream.streams.engine.guard import FAILED, Guard, GuardedStage, Now, kept
from actorstream.streams.engine.keys import KeyEncoder, keys_of
from actorstream.streams.engine.pausable import Work
from actorstream.streams.engine.stage import Stage
from actorstream.streams.plan.nodes import KeyBy, Reduce, RunningAggregate
from actorstream.streams.results import builder
from actorstream.streams.store.table import StateTable


class ReduceStage(GuardedStage):
    """`keyed.reduce(function)`."""

    def __init__(self, node: Reduce, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._node = node
        self._key = _key_node(node)
        self._encoder = KeyEncoder(self._key)
        self._table: StateTable[list[Any]] = StateTable("result", list[node.type])  # type: ignore[name-defined]
        self.tables = [self._table]

    def work(self, batch: Batch) -> Work:
        table, function = self._table, self._node.function
        results: list[Any] = []
        failed: list[int] = []
        encoded = self._encoder.encode_all(keys_of(batch, self._key))
        table.fetch(0, encoded)
        for place, (key, value) in enumerate(zip(encoded, batch.rows(), strict=True)):
            before = table.get(0, key)
            try:
                result = value if before is None else function(before[0], value)
            except Exception as error:
                assert before is not None
                again = partial(function, before[0], value)
                result = yield from self.guard.rescue(error, again, batch, place, value)
                if result is FAILED:
                    failed.append(place)
                    continue
            table.put(0, key, [result])  # In a list, because None is a result, too.
            results.append(result)
        if failed:
            batch = batch.choose(kept(failed, len(batch)))
        self.emit(batch.with_rows(results, self._node.type))

    def look(self, key: bytes, *, decided: bool) -> Any:
        """The result so far, or None."""
        kept_result = self._table.copy_of(0, key, decided=decided)
        return None if kept_result is None else kept_result[0]


class RunningAggregateStage(Stage):
    """`keyed.aggregate(...)`."""

    def __init__(self, node: RunningAggregate, now: Now) -> None:
        super().__init__(node.name)
        self._node = node
        self._guard = Guard(self, node.name, node.on_error, now)
        self._key = _key_node(node)
        self._encoder = KeyEncoder(self._key)
        self.folding = Folding(node.name, node.aggregates)
        # What fails leaves no trace, so what is known must not be changed before all is well.
        self._merge = self.folding.absorb if self._guard.is_plain else self.folding.merge
        self._table: StateTable[Accumulators] = StateTable("accumulators", self.folding.kind(self._key.type))
        self.tables = [self._table]
        names = tuple(name for name, _ in node.aggregates)
        self._build = builder(node.type, node.key_names, names, window=False)
        self._several = len(self._key.fields) > 1

    def push(self, batch: Batch) -> None:
        keys = keys_of(batch, self._key)
        columns = self.folding.columns(batch)
        results: list[Any] = []
        failed: list[int] = []
        every = self._encoder.encode_all(keys)
        self._table.fetch(0, every)
        for place, (key, encoded) in enumerate(zip(keys, every, strict=True)):
            try:
                results.append(self._result(columns, place, key, encoded))
            except OperatorError as error:
                self._guard.give_up(cause_of(error), batch, place, batch.rows()[place], error.record)
                failed.append(place)
        if failed:
            batch = batch.choose(kept(failed, len(batch)))
        self.emit(batch.with_rows(results, self._node.type))

    def _result(self, columns: Columns, place: int, key: Any, encoded: bytes) -> Any:
        """What the key has with one record more."""
        accumulators = self.folding.partials(columns, [place])
        before = self._table.get(0, encoded)
        if before is not None:
            accumulators = self._merge(before, accumulators)
        result = self._build([*(key if self._several else (key,)), *self.folding.results(accumulators)])
        self._table.put(0, encoded, accumulators)
        return result

    def look(self, key: bytes, *, decided: bool) -> Any:
        """The row so far, as it went out last, or None."""
        accumulators = self._table.copy_of(0, key, decided=decided)
        if accumulators is None:
            return None
        of = decode(key, self._key.key_type)
        return self._build([*(of if self._several else (of,)), *self.folding.results(accumulators)])


def _key_node(node: Reduce | RunningAggregate) -> KeyBy:
    key = node.inputs[0]
    assert isinstance(key, KeyBy)
    return key
