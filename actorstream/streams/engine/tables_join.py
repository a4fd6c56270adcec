"""Joining two tables: the latest value of each, at every change of either."""

from __future__ import annotations

from typing import Any

from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.pausable import Work
from actorstream.streams.engine.two_sided import LEFT, TwoSidedStage
from actorstream.streams.plan.joins import TablesJoin
from actorstream.streams.store.table import StateTable


class TablesJoinStage(TwoSidedStage):
    """`table.join(table)`."""

    def __init__(self, node: TablesJoin) -> None:
        super().__init__(node)
        self._sides: tuple[StateTable[Any], StateTable[Any]] = (
            StateTable("left", node.left_type),
            StateTable("right", node.right_type),
        )
        self.tables = list(self._sides)

    def take(self, batch: Batch, side: int) -> Work:
        mine, other = self._sides[side], self._sides[1 - side]
        places, values = [], []
        encoded = self.encoded(batch, side)
        other.fetch(0, encoded)
        for place, (key, value) in enumerate(zip(encoded, batch.rows(), strict=True)):
            if value is None:
                mine.delete(0, key)
            else:
                mine.put(0, key, value)
            pair = (value, other.get(0, key)) if side == LEFT else (other.get(0, key), value)
            if self._has_a_row(*pair):
                places.append(place)
                values.append(self.joined(batch, place, *pair))
        if values:
            self.emit(batch.choose(places, values, self.node.type))
        yield from ()

    def _has_a_row(self, left: Any, right: Any) -> bool:
        if self.node.how == "inner":
            return left is not None and right is not None
        return left is not None or (self.node.how == "outer" and right is not None)
