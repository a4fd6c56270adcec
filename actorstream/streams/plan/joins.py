"""Joins of two inputs that both have a part in time, or are tables both; data, as all of the plan (`nodes`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from actorstream.model.duration import show_us
from actorstream.streams.plan.nodes import Function, KeyBy, Stateful, WindowNode

LEFT, RIGHT, KEY = 0, 1, 2
"""Where a field of a join's result comes from; the key comes from whichever side is there."""


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


class Filled(NamedTuple):
    """A field of a join's result, and the side and its field that fill it; of the key, the field of the left."""

    name: str
    side: int
    field: str


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WindowJoin(WindowNode):
    """Every pair of records of two streams with the same key in the same window; inputs: as of `Join`.

    `fields` fill the Record type that the join was given, None if it was given none. `over_columns`: it needs no rows;
    set by the rule `choose_joins`.
    """

    kind = "window join"
    second_port = "right"
    how: str
    fields: tuple[Filled, ...] | None = None
    left_type: Any = Any
    right_type: Any = Any
    over_columns: bool = False

    def columns_of(self, side: int) -> tuple[str, ...]:
        """The fields of a side that a join over columns keeps, sorted: those of the key, and those that it takes."""
        key = self.inputs[side]
        assert isinstance(key, KeyBy)
        taken = (one.field for one in self.fields or () if one.side == side)
        return tuple(sorted({*key.fields, *taken}))

    def detail(self) -> str:
        by = ", over columns" if self.over_columns else ""
        return f"{self.how}, {self.inputs[1].inputs[0].name} in {self.window}{by}"
