"""The operators of a stream that work on columns: Polars expressions, and functions over whole frames."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from actorstream.errors import PlanError
from actorstream.model.record import field_names
from actorstream.streams import checks
from actorstream.streams.plan import nodes
from actorstream.streams.policies import Policy, checked
from actorstream.streams.program import Program
from actorstream.streams.site import user_site

if TYPE_CHECKING:
    from actorstream.streams.stream import Stream

V = TypeVar("V")
R = TypeVar("R")


class ColumnOperators(Generic[V]):
    """Part of every `Stream`."""

    _program: Program
    _node: nodes.Node

    @property
    @abstractmethod
    def name(self) -> str:
        """The operator's identity."""

    @abstractmethod
    def _next(self, node: nodes.Node, function: Callable[..., Any] | None, *, keeps_key: bool) -> Stream[Any]:
        """Add a node to the program; what it yields."""

    def select(
        self,
        *expressions: Any,
        into: type[R] | None = None,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
        **named: Any,
    ) -> Stream[R]:
        """The named fields and Polars expressions, as Records of just these; computed over columns.

        Raises:
            PlanError: the stream has no Record type, a field does not exist, or an expression mixes rows.

        Example:
            >>> import polars as pl
            >>> from actorstream import App, Record
            >>> class Bid(Record):
            ...     item: str
            ...     price: float
            >>> app = App("doc")
            >>> bids = app.stream([Bid("a", 2.0)])
            >>> app.collect(bids.select("item", double=pl.col("price") * 2))[0].double
            4.0
        """
        checks.checked_parallelism(parallelism, "select")
        return self._columns("select", expressions, named, into, name, on_error)

    def with_columns(
        self,
        *expressions: Any,
        into: type[R] | None = None,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
        **named: Any,
    ) -> Stream[R]:
        """All fields, and the Polars expressions beside them or in their place; computed over columns.

        Raises:
            PlanError: as for `select`.

        Example:
            >>> import polars as pl
            >>> from actorstream import App, Record
            >>> class Bid(Record):
            ...     price: float
            >>> app = App("doc")
            >>> app.collect(app.stream([Bid(2.0)]).with_columns(tax=pl.col("price") * 0.1))[0].tax
            0.2
        """
        checks.checked_parallelism(parallelism, "with_columns")
        return self._columns("with_columns", expressions, named, into, name, on_error)

    def where(
        self, expression: Any, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Stream[V]:
        """The values for which a Polars expression is true; computed over columns.

        Raises:
            PlanError: as for `select`.

        Example:
            >>> import polars as pl
            >>> from actorstream import App, Record
            >>> class Bid(Record):
            ...     price: float
            >>> app = App("doc")
            >>> app.collect(app.stream([Bid(1.0), Bid(3.0)]).where(pl.col("price") > 2))
            [Bid(price=3.0)]
        """
        checks.checked_parallelism(parallelism, "where")
        return self._columns("where", (expression,), {}, None, name, on_error)

    def _columns(
        self,
        operation: str,
        expressions: tuple[Any, ...],
        named: dict[str, Any],
        into: Any,
        name: str | None,
        on_error: Policy | None,
    ) -> Stream[Any]:
        from actorstream.streams.plan import expressions as columns

        self._need_records(operation)
        every = columns.checked(self._node.type, operation, expressions, named)
        naming = self._program.naming(operation, None, name, self.name)
        value_type = self._node.type
        if operation == "where":
            columns.check_condition(value_type, every[0])
        else:
            value_type = columns.expression_type(value_type, operation, every, naming["name"])
        if into is not None:
            checks.check_filled(into, field_names(value_type), operation)
            value_type = into
        node = nodes.Columns(
            inputs=(self._node,),
            operation=operation,
            expressions=every,
            type=value_type,
            on_error=checked(on_error, operation),
            **naming,
        )
        return self._next(node, None, keeps_key=operation == "where")

    @overload
    def map_batches(
        self,
        function: Callable[[Any], Any],
        /,
        *,
        into: type[R],
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Stream[R]: ...
    @overload
    def map_batches(
        self,
        function: Callable[[Any], Any],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Stream[Any]: ...
    @overload
    def map_batches(
        self, /, *, into: type[R], name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Callable[[Callable[[Any], Any]], Stream[R]]: ...
    @overload
    def map_batches(
        self, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Callable[[Callable[[Any], Any]], Stream[Any]]: ...
    def map_batches(
        self,
        function: Any = None,
        /,
        *,
        into: Any = None,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Any:
        """A function from a `polars.DataFrame` to another, over batches of unspecified size.

        The result is a stream of Records made from the frame's columns, or of type `into`. Each row keeps the event
        time of the row in its place. If there are more or fewer than were given, the function is called again to learn
        which of them each is: with a column that numbers them and, if that does not come back, with halves.

        Raises:
            PlanError: the stream has no Record type.

        Example:
            >>> import polars as pl
            >>> from actorstream import App, Record
            >>> class Bid(Record):
            ...     price: float
            >>> app = App("doc")
            >>> double = app.stream([Bid(2.0)]).map_batches(lambda frame: frame * 2, into=Bid)
            >>> app.collect(double)
            [Bid(price=4.0)]
        """
        checks.checked_parallelism(parallelism, "map_batches")

        def build(user: Callable[..., Any]) -> Stream[Any]:
            checks.check_function(user, "map_batches")
            self._need_records("map_batches")
            naming = self._program.naming("map_batches", user, name, self.name)
            node = nodes.MapBatches(
                inputs=(self._node,),
                function=user,
                type=into or Any,
                on_error=checked(on_error, "map_batches"),
                **naming,
            )
            return self._next(node, user, keeps_key=False)

        return build if function is None else build(function)

    def _need_records(self, operation: str) -> None:
        if not checks.is_record_stream(self._node.type):
            raise PlanError(
                f"{operation} at {user_site()} works on columns, and the values of {self.name!r} have no known Record "
                "type; give the topic a type, annotate what the function before it returns, or give the "
                "map_batches before it into="
            )
