"""Keyed streams cut into windows, and what finishes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from actorstream.streams import checks
from actorstream.streams.aggregates import Aggregate
from actorstream.streams.missing import not_of_windows
from actorstream.streams.plan import nodes
from actorstream.streams.policies import Policy, checked
from actorstream.streams.program import Program
from actorstream.streams.results import aggregate_type
from actorstream.streams.stream import Stream
from actorstream.streams.windows import Window, Windowing

if TYPE_CHECKING:
    from actorstream.streams.window_join import JoinedWindows, WindowJoined

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")
W = TypeVar("W")


class WindowResult(Stream[V]):
    """What windows give. `late` is the stream of records that came after their window was final."""

    @property
    def late(self) -> Stream[Any]:
        """The records that came too late for this window, as they came."""
        return _late(self._program, self._node)


class WindowedStream(Generic[K, V]):
    """Windows that wait to be finished: by a decorated function over `Window`, by `apply` or by `aggregate`."""

    def __init__(
        self, program: Program, of: str, key: nodes.KeyBy, window: Windowing, allowed_lateness_us: int, emit: str
    ) -> None:
        self._program, self._of, self._key, self._window = program, of, key, window
        self._allowed_lateness_us, self._emit = allowed_lateness_us, emit
        self._finished: nodes.Node | None = None
        self._is_joined = False

    if not TYPE_CHECKING:  # Type checkers know what is there.

        def __getattr__(self, name: str) -> Any:
            raise not_of_windows(self, name)

    @property
    def late(self) -> Stream[V]:
        """The records that came too late for this window; ask once the window has been finished.

        Raises:
            PlanError: nothing finishes the window yet, so nothing decides what is late.
        """
        if self._finished is None:
            from actorstream.errors import PlanError
            from actorstream.streams.site import user_site

            if self._is_joined:
                raise PlanError(
                    f".late at {user_site()}: these windows were joined; ask what the join gave for .late: it has the "
                    "late records of both sides"
                )
            raise PlanError(
                f".late at {user_site()}: finish the window first (aggregate, or a function over Window), then ask "
                "for .late"
            )
        return _late(self._program, self._finished)

    @overload
    def __call__(self, function: Callable[[Window[K, V]], Iterator[R]]) -> WindowResult[R]: ...
    @overload
    def __call__(self, function: Callable[[Window[K, V]], R | None]) -> WindowResult[R]: ...
    def __call__(self, function: Callable[[Window[K, V]], Any]) -> WindowResult[Any]:
        """Decorate a function over `Window`; it returns a value, None (nothing) or is a generator."""
        return self.apply(function)

    @overload
    def apply(
        self,
        function: Callable[[Window[K, V]], Iterator[R]],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> WindowResult[R]: ...
    @overload
    def apply(
        self,
        function: Callable[[Window[K, V]], R | None],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> WindowResult[R]: ...
    def apply(
        self,
        function: Callable[[Window[K, V]], Any],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> WindowResult[Any]:
        """A function over all records of each key and window.

        Example:
            >>> from datetime import datetime, timedelta, UTC
            >>> from actorstream import App, Window, tumbling
            >>> app = App("doc")
            >>> start = datetime(2024, 1, 1, tzinfo=UTC)
            >>> seconds = app.stream([0, 4, 12], event_time=lambda s: start + timedelta(seconds=s))
            >>> tens = seconds.key_by(lambda s: "all", name="all").window(tumbling("10s"))
            >>> @tens
            ... def members(window: Window[str, int]) -> list[int]:
            ...     return list(window)
            >>> app.collect(members)
            [[0, 4], [12]]
        """
        checks.check_function(function, "window")
        key = self._key
        if name is None:
            _need_name(function, "window")
        naming = self._program.naming("window", function, name, self._of)
        node = nodes.WindowApply(
            inputs=(key,),
            parallelism=checks.checked_parallelism(parallelism, "window"),
            window=self._window,
            allowed_lateness_us=self._allowed_lateness_us,
            emit=self._emit,
            function=function,
            value_type=key.type,
            key_type=key.key_type,
            type=checks.emitted_type(checks.result_type(function)),
            on_error=checked(on_error, "window"),
            **naming,
        )
        return self._finish(node, function)

    def reduce(
        self,
        function: Callable[[V, V], V],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> WindowResult[V]:
        """The records of each key and window combined: `function(result so far, value)`, in order of event time.

        The first value is the first result. A window keeps its records until it closes.

        Example:
            >>> from datetime import datetime, timedelta, UTC
            >>> from actorstream import App, tumbling
            >>> app = App("doc")
            >>> start = datetime(2024, 1, 1, tzinfo=UTC)
            >>> seconds = app.stream([0, 4, 12], event_time=lambda s: start + timedelta(seconds=s))
            >>> tens = seconds.key_by(lambda s: "all", name="all").window(tumbling("10s"))
            >>> app.collect(tens.reduce(lambda total, s: total + s, name="total"))
            [4, 12]
        """
        checks.check_function(function, "reduce")
        if name is None:
            _need_name(function, "reduce")
        naming = self._program.naming("reduce", function, name, self._of)
        key = self._key
        node = nodes.WindowReduce(
            inputs=(key,),
            parallelism=checks.checked_parallelism(parallelism, "reduce"),
            window=self._window,
            allowed_lateness_us=self._allowed_lateness_us,
            emit=self._emit,
            function=function,
            value_type=key.type,
            key_type=key.key_type,
            type=key.type if checks.result_type(function) in (Any, key.type) else Any,
            on_error=checked(on_error, "window"),
            **naming,
        )
        return self._finish(node, function)

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
    ) -> WindowResult[R]: ...
    @overload
    def aggregate(
        self,
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
        **aggregates: Aggregate,
    ) -> WindowResult[Any]: ...
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
        """Aggregates of each key and window: a Record of the key, `start`, `end` and the aggregates.

        With a Record type first, that type, filled by field name. A window keeps accumulators, not records.

        Raises:
            PlanError: a field that does not exist, a clash of names, a field of the type that nothing fills.

        Example:
            >>> from datetime import datetime, timedelta, UTC
            >>> from actorstream import App, agg, tumbling
            >>> app = App("doc")
            >>> start = datetime(2024, 1, 1, tzinfo=UTC)
            >>> seconds = app.stream([0, 4, 12], event_time=lambda s: start + timedelta(seconds=s))
            >>> tens = seconds.key_by(lambda s: "all", name="who").window(tumbling("10s"))
            >>> counted = tens.aggregate(n=agg.count(), last=agg.max(lambda s: s))
            >>> [(row.who, row.start.second, row.n, row.last) for row in app.collect(counted)]
            [('all', 0, 2, 4), ('all', 10, 1, 12)]
        """
        key = self._key
        naming = self._program.naming("aggregate", None, name, self._of)
        node = nodes.WindowAggregate(
            inputs=(key,),
            parallelism=checks.checked_parallelism(parallelism, "aggregate"),
            window=self._window,
            allowed_lateness_us=self._allowed_lateness_us,
            emit=self._emit,
            aggregates=tuple(aggregates.items()),
            key_names=key.key_names,
            key_type=key.key_type,
            type=aggregate_type(key, aggregates, into, naming["name"], window=True),
            on_error=checked(on_error, "aggregate"),
            **naming,
        )
        return self._finish(node, None)

    @overload
    def join(
        self,
        other: WindowedStream[K, W],
        /,
        *,
        how: Literal["inner"] = "inner",
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> WindowJoined[V, W]: ...
    @overload
    def join(
        self,
        other: WindowedStream[K, W],
        /,
        *,
        how: Literal["left"],
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> WindowJoined[V, W | None]: ...
    @overload
    def join(
        self,
        other: WindowedStream[K, W],
        /,
        *,
        how: Literal["outer"],
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> WindowJoined[V | None, W | None]: ...
    @overload
    def join(
        self,
        other: WindowedStream[K, W],
        /,
        *,
        into: type[R],
        how: str = "inner",
        name: str | None = None,
        parallelism: int = 1,
        on_error: None = None,
    ) -> JoinedWindows[R]: ...
    @overload
    def join(
        self,
        other: WindowedStream[K, W],
        function: Callable[[Any, Any], R],
        /,
        *,
        how: str = "inner",
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> JoinedWindows[R]: ...
    def join(
        self,
        other: Any,
        function: Any = None,
        /,
        *,
        into: Any = None,
        how: str = "inner",
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Any:
        """Every pair of records of both streams with the same key in the same window.

        A decorator over `(left, right)`; without a function the pairs themselves.

        Args:
            other: the same windows of another stream.
            into: a Record type, filled by field name from both sides: no function is called, and where the key is
                fields both sides stay columns. A name that both have means the left's field, with `_right` behind it
                the right's; that of a field by which both are keyed, the key. What a missing side would fill is None.
            how: "inner"; "left": a left record without a partner comes with None; "outer": right ones, too.

        Raises:
            PlanError: the windows differ; nothing fills a field of `into`, or what fills it has another type.

        Example:
            >>> from datetime import datetime, timedelta, UTC
            >>> from actorstream import App, tumbling
            >>> app = App("doc")
            >>> start = datetime(2024, 1, 1, tzinfo=UTC)
            >>> def tens(name, seconds):
            ...     stream = app.stream(seconds, name=name, event_time=lambda s: start + timedelta(seconds=s))
            ...     return stream.key_by(lambda s: "all", name=f"{name}-key").window(tumbling("10s"))
            >>> app.collect(tens("one", [1, 12]).join(tens("two", [3, 4]), how="left", name="pairs"))
            [(1, 3), (1, 4), (12, None)]
        """
        from actorstream.streams.window_join import Sides, window_join

        sides = Sides(
            self, other, how, name, checks.checked_parallelism(parallelism, "join"), checked(on_error, "join")
        )
        return window_join(sides, function, into)

    def _finish(self, node: nodes.Node, function: Callable[..., Any] | None) -> WindowResult[Any]:
        self._program.add(node)
        self._finished = node
        return WindowResult(self._program, node, function)


def _late(program: Program, window: nodes.Node) -> Stream[Any]:
    naming = program.naming("late", None, None, window.name)
    key = window.inputs[0]
    return Stream(program, program.add(nodes.Late(inputs=(window,), type=key.type, **naming)))


def _need_name(function: Callable[..., Any], operation: str) -> None:
    from actorstream.errors import PlanError
    from actorstream.streams.site import function_name, user_site

    if function_name(function) is None:
        raise PlanError(f"{operation} at {user_site()} keeps state under its name, and a lambda has none; pass name=")
