"""The operators of a keyed stream that give a result at every record: `reduce` and `aggregate`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from actorstream.streams import checks
from actorstream.streams.aggregates import Aggregate
from actorstream.streams.plan import nodes
from actorstream.streams.policies import Policy, checked
from actorstream.streams.program import Program
from actorstream.streams.results import aggregate_type
from actorstream.streams.stream import Stream

V = TypeVar("V")
R = TypeVar("R")


class RunningResults(Generic[V]):
    """Part of every `KeyedStream`."""

    _program: Program

    @property
    @abstractmethod
    def name(self) -> str:
        """The operator's identity."""

    @abstractmethod
    def _key_node(self) -> nodes.KeyBy:
        """What gives the records their key."""

    @abstractmethod
    def _need_name(self, operation: str, function: Any, name: str | None) -> None:
        """Refuse a lambda without a name."""

    def reduce(
        self,
        function: Callable[[V, V], V],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Stream[V]:
        """The first value of a key as it is, then the function of the last result and each value; each is emitted.

        Example:
            >>> from actorstream import App
            >>> app = App("doc")
            >>> numbers = app.stream([1, 2, 3]).key_by(lambda n: n % 2, name="odd")
            >>> app.collect(numbers.reduce(lambda total, n: total + n, name="total"))
            [1, 2, 4]
        """
        checks.check_function(function, "reduce")
        self._need_name("reduce", function, name)
        naming = self._program.naming("reduce", function, name, self.name)
        key = self._key_node()
        value_type = key.type if checks.result_type(function) in (Any, key.type) else Any
        node = nodes.Reduce(
            inputs=(key,),
            function=function,
            parallelism=checks.checked_parallelism(parallelism, "reduce"),
            type=value_type,
            key_type=key.key_type,
            on_error=checked(on_error, "reduce"),
            **naming,
        )
        return Stream(self._program, self._program.add(node), function)

    @overload
    def aggregate(
        self,
        into: type[R],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
        **aggregates: Aggregate,
    ) -> Stream[R]: ...
    @overload
    def aggregate(
        self,
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
        **aggregates: Aggregate,
    ) -> Stream[Any]: ...
    def aggregate(
        self,
        into: Any = None,
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
        **aggregates: Aggregate,
    ) -> Any:
        """Running aggregates of each key, emitted on every change: a Record of the key and the aggregates.

        Example:
            >>> from actorstream import App, agg
            >>> app = App("doc")
            >>> numbers = app.stream([1, 2, 3]).key_by(lambda n: n % 2, name="odd")
            >>> [(r.odd, r.total) for r in app.collect(numbers.aggregate(total=agg.sum(lambda n: n)))]
            [(1, 1), (0, 2), (1, 4)]
        """
        key = self._key_node()
        naming = self._program.naming("aggregate", None, name, self.name)
        node = nodes.RunningAggregate(
            inputs=(key,),
            parallelism=checks.checked_parallelism(parallelism, "aggregate"),
            aggregates=tuple(aggregates.items()),
            key_names=key.key_names,
            key_type=key.key_type,
            type=aggregate_type(key, aggregates, into, naming["name"], window=False),
            on_error=checked(on_error, "aggregate"),
            **naming,
        )
        return Stream(self._program, self._program.add(node))
