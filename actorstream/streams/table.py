"""A table: the latest value by key of a topic or stream, for others to join with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from actorstream.streams.plan import nodes
from actorstream.streams.policies import Policy, checked

if TYPE_CHECKING:
    from actorstream.streams.joins import Joined
    from actorstream.streams.program import Program
    from actorstream.streams.stream import Stream

K = TypeVar("K")
V = TypeVar("V")
W = TypeVar("W")
R = TypeVar("R")


class Table(Generic[K, V]):
    """Made by `App.table`; given to `KeyedStream.join`, or joined with another table."""

    def __init__(self, program: Program, node: nodes.KeyBy) -> None:
        self._program = program
        self.node = node

    @property
    def name(self) -> str:
        """The name of what the table is made from."""
        return self.node.inputs[0].name

    @overload
    def join(
        self,
        other: Table[K, W],
        /,
        *,
        how: Literal["inner"] = "inner",
        name: str | None = None,
        on_error: Policy | None = None,
    ) -> Joined[V, W]: ...
    @overload
    def join(
        self,
        other: Table[K, W],
        /,
        *,
        how: Literal["left"],
        name: str | None = None,
        on_error: Policy | None = None,
    ) -> Joined[V, W | None]: ...
    @overload
    def join(
        self,
        other: Table[K, W],
        /,
        *,
        how: Literal["outer"],
        name: str | None = None,
        on_error: Policy | None = None,
    ) -> Joined[V | None, W | None]: ...
    @overload
    def join(
        self,
        other: Table[K, W],
        function: Callable[[Any, Any], R],
        /,
        *,
        how: str = "inner",
        name: str | None = None,
        on_error: Policy | None = None,
    ) -> Stream[R]: ...
    def join(
        self,
        other: Any,
        function: Any = None,
        /,
        *,
        how: str = "inner",
        name: str | None = None,
        on_error: Policy | None = None,
    ) -> Any:
        """The latest values of a key in both tables, at every change of either: a stream, to make a table of again.

        A decorator over `(value, other value)`; without a function the pairs themselves. What is deleted from a table
        counts as missing from then on; where that leaves no row, nothing is emitted.

        Args:
            how: "inner": once both have a value; "left": once this one has, the other may be None; "outer": either may.

        Raises:
            PlanError: `other` is no table.

        Example:
            >>> from actorstream import App
            >>> app = App("doc")
            >>> prices = app.table(app.stream([("tea", 3)], name="prices"), key=lambda pair: pair[0])
            >>> stocks = app.table(app.stream([("tea", 7)], name="stocks"), key=lambda pair: pair[0])
            >>> app.collect(prices.join(stocks, lambda price, stock: price[1] * stock[1], name="worth"))
            [21]
        """
        from actorstream.streams.joins import tables_join

        joined = tables_join(self._program, self, other, how, name, checked(on_error, "join"))
        return joined if function is None else joined(function)

    def __repr__(self) -> str:
        return f"Table({self.name!r})"
