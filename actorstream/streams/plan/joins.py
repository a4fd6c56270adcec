"""Joins of two inputs that both have a part in time, or are tables both; data, as all of the plan (`nodes`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actorstream.model.duration import show_us
from actorstream.streams.plan.nodes import Function, Stateful


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Join(Stateful):
    """Records of two inputs with the same key, each behind a `KeyBy`; `second_port`: by which the second one comes."""

    how: str
    function: Function | None
    left_type: Any = Any
    right_type: Any = Any
    key_type: Any = Any

    second_port = "right"

    def detail(self) -> str:
        return f"{self.how}, {self.inputs[1].inputs[0].name}"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class IntervalJoin(Join):
    """Pairs of records of two streams whose times differ by at most so much."""

    kind = "interval join"
    within_us: int

    def detail(self) -> str:
        return f"{self.how}, {self.inputs[1].inputs[0].name} within {show_us(self.within_us)}"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AsOfJoin(Join):
    """Each record with the latest value of its key in a table that is not later than the record."""

    kind = "as-of join"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TablesJoin(Join):
    """The latest values of a key in two tables, at every change of either."""

    kind = "tables join"
