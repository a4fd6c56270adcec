"""Keyed streams: what keeps something for each key. `process`, windows, running results, joins with tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from actorstream.errors import PlanError
from actorstream.model.duration import duration_us
from actorstream.streams import checks
from actorstream.streams.inject import injections
from actorstream.streams.pattern import Pattern
from actorstream.streams.pattern_stream import PARTIAL_MAX, MatchingStream, matching
from actorstream.streams.plan import nodes
from actorstream.streams.policies import Policy, checked
from actorstream.streams.processed import ProcessedStream
from actorstream.streams.program import Program
from actorstream.streams.running import RunningResults
from actorstream.streams.site import function_name, user_site
from actorstream.streams.stream import Stream
from actorstream.streams.timed import need_time
from actorstream.streams.windows import RowsSpec, Windowing

if TYPE_CHECKING:
    from actorstream.streams.joins import Joined
    from actorstream.streams.table import Table
    from actorstream.streams.windowed import WindowedStream

K = TypeVar("K")
V = TypeVar("V")
W = TypeVar("W")
R = TypeVar("R")


class KeyedStream(Stream[V], RunningResults[V], Generic[K, V]):
    """A stream whose records carry a key; what is kept for a record is kept by its key."""

    def _next(self, node: nodes.Node, function: Callable[..., Any] | None, *, keeps_key: bool) -> Stream[Any]:
        self._program.add(node)
        if not keeps_key:
            return Stream(self._program, node, function)
        rekeyed = self._key_node().with_inputs((node,))
        return KeyedStream(self._program, rekeyed, function, label=node.name)

    def _unkeyed(self, operation: str) -> nodes.Node:
        """Row operators read what the key was taken from; where the key stays it is taken again, after them."""
        return self._node.inputs[0]

    def __init__(
        self,
        program: Program,
        node: nodes.Node,
        function: Callable[..., Any] | None = None,
        *,
        label: str | None = None,
    ) -> None:
        super().__init__(program, node, function)
        self._label = label

    @property
    def name(self) -> str:
        """The operator's identity."""
        return self._label or self._node.name

    def _key_node(self) -> nodes.KeyBy:
        assert isinstance(self._node, nodes.KeyBy)
        return self._node

    if TYPE_CHECKING:  # These are those of any stream; they keep the key, and type checkers should know it.

        @overload
        def filter(
            self,
            function: Callable[[V], object],
            /,
            *,
            name: str | None = None,
            parallelism: int = 1,
            on_error: Policy | None = None,
        ) -> KeyedStream[K, V]: ...
        @overload
        def filter(
            self, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
        ) -> Callable[[Callable[[V], object]], KeyedStream[K, V]]: ...
        def filter(
            self,
            function: Any = None,
            /,
            *,
            name: str | None = None,
            parallelism: int = 1,
            on_error: Policy | None = None,
        ) -> Any: ...

        @overload
        def tap(
            self,
            function: Callable[[V], object],
            /,
            *,
            name: str | None = None,
            parallelism: int = 1,
            on_error: Policy | None = None,
        ) -> KeyedStream[K, V]: ...
        @overload
        def tap(
            self, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
        ) -> Callable[[Callable[[V], object]], KeyedStream[K, V]]: ...
        def tap(
            self,
            function: Any = None,
            /,
            *,
            name: str | None = None,
            parallelism: int = 1,
            on_error: Policy | None = None,
        ) -> Any: ...

        def where(
            self, expression: Any, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
        ) -> KeyedStream[K, V]: ...

        def split(
            self,
            *,
            name: str | None = None,
            parallelism: int = 1,
            on_error: Policy | None = None,
            **branches: Callable[[V], object],
        ) -> tuple[KeyedStream[K, V], ...]: ...

    def window(
        self, window: Windowing, *, allowed_lateness: str | timedelta = "0s", emit: str = "close"
    ) -> WindowedStream[K, V]:
        """Cut each key's records into windows of event time.

        Finish it with a function over `Window`, or with `.aggregate(...)`.

        Args:
            window: `tumbling(size)`, `sliding(size, every=)`, `session(gap)` or `rows(n)`.
            allowed_lateness: how long after its end a window still takes late records, each giving a corrected result.
            emit: "close": once, when the window ends; "change": at every change.

        Raises:
            PlanError: not a window, or the stream has no event time.
            ValueError: not a duration.
        """
        from actorstream.streams.windowed import WindowedStream

        if not isinstance(window, Windowing):
            raise PlanError(
                f'window at {user_site()} was given {window!r}; give it tumbling("10s"), sliding("6h", every="1h"), '
                'session("10m") or rows(100)'
            )
        if emit not in ("close", "change"):
            raise PlanError(f'window at {user_site()}: emit is {emit!r}; it is "close" or "change"')
        lateness_us = duration_us(allowed_lateness, what="allowed_lateness", zero=True)
        if isinstance(window, RowsSpec) and lateness_us:
            raise PlanError(
                f"window at {user_site()}: in {window} no record is late, so there is no allowed_lateness; leave it out"
            )
        self._need_time()
        return WindowedStream(self._program, self.name, self._key_node(), window, lateness_us, emit)

    def match(
        self, pattern: Pattern[V], *, overlap: bool = False, partial_max: int = PARTIAL_MAX
    ) -> MatchingStream[K, V]:
        """Look for a pattern in each key's records, in order of event time.

        Finish it with a function over `Match`. A match is found when the watermark has passed its end; a record behind
        its partition's watermark is late: no match has it, and it goes to `.late` of the result.

        Args:
            pattern: what to look for, with a `within`.
            overlap: whether a record may be in several matches: then there is one for each record with which one
                begins. If not, a match ends all others that began at or before its last record.
            partial_max: how many partial matches a key may have, and how many records these; one more ends the job
                with an OperatorError.

        Raises:
            PlanError: not a pattern, or one without `within` or with an optional last step; the stream has no event
                time.
        """
        self._need_time("match")
        return matching(self._program, self.name, self._key_node(), pattern, overlap, partial_max)

    def _need_time(self, operation: str = "window") -> None:
        need_time(self._node, operation)

    @overload
    def process(
        self,
        function: Callable[..., Iterator[R]],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> ProcessedStream[R]: ...
    @overload
    def process(
        self,
        function: Callable[..., R | None],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> ProcessedStream[R]: ...
    @overload
    def process(
        self, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Callable[[Callable[..., Any]], ProcessedStream[Any]]: ...
    def process(
        self, function: Any = None, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Any:
        """A function of the value and of what its other parameters' annotations ask for: state, key, timers.

        It returns None (nothing), a value, or is a generator. What it may ask for: `ValueState`, `ListState`,
        `MapState`, `Key`, `Timer`.

        Args:
            parallelism: how many instances share the keys, 1 to 256. It changes no result, and may be another number
                in another run: the state goes with its keys.

        Example:
            >>> from actorstream import App, ValueState
            >>> app = App("doc")
            >>> letters = app.stream(["a", "b", "a"]).key_by(lambda letter: letter, name="letter")
            >>> @letters.process
            ... def nth(letter: str, seen: ValueState[int]) -> str:
            ...     count = (seen.get() or 0) + 1
            ...     seen.set(count)
            ...     return f"{letter}{count}"
            >>> app.collect(nth)
            ['a1', 'b1', 'a2']
        """

        def build(user: Callable[..., Any]) -> ProcessedStream[Any]:
            checks.check_function(user, "process")
            self._need_name("process", user, name)
            naming = self._program.naming("process", user, name, self.name)
            key = self._key_node()
            node = nodes.Process(
                inputs=(key,),
                function=user,
                injected=injections(user, skip=1),
                parallelism=checks.checked_parallelism(parallelism, "process"),
                type=checks.emitted_type(checks.result_type(user)),
                key_type=key.key_type,
                gives_one=checks.gives_one(user),
                on_error=checked(on_error, "process"),
                **naming,
            )
            self._program.add(node)
            return ProcessedStream(self._program, node, user)

        return build if function is None else build(function)

    @overload
    def join(
        self,
        other: Table[K, W],
        /,
        *,
        how: Literal["left"] = "left",
        as_of: bool = False,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Joined[V, W | None]: ...
    @overload
    def join(
        self,
        other: Table[K, W],
        /,
        *,
        how: Literal["inner"],
        as_of: bool = False,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Joined[V, W]: ...
    @overload
    def join(
        self,
        other: KeyedStream[K, W],
        /,
        *,
        within: str | timedelta,
        how: Literal["inner"] = "inner",
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Joined[V, W]: ...
    @overload
    def join(
        self,
        other: KeyedStream[K, W],
        /,
        *,
        within: str | timedelta,
        how: Literal["left"],
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Joined[V, W | None]: ...
    @overload
    def join(
        self,
        other: KeyedStream[K, W],
        /,
        *,
        within: str | timedelta,
        how: Literal["outer"],
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Joined[V | None, W | None]: ...
    @overload
    def join(
        self,
        other: Table[K, W] | KeyedStream[K, W],
        function: Callable[[Any, Any], R],
        /,
        *,
        within: str | timedelta | None = None,
        how: str | None = None,
        as_of: bool = False,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Stream[R]: ...
    def join(
        self,
        other: Any,
        function: Any = None,
        /,
        *,
        within: str | timedelta | None = None,
        how: str | None = None,
        as_of: bool = False,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Any:
        """Join each record with those of another keyed stream, or with what a table has for its key.

        A decorator over `(value, other value)`; without a function the pairs themselves. A missing side is None.

        - With a stream, `within="10s"`: every pair of records with the same key whose times differ by at most so much,
          both ends included. A missing side comes once the watermark rules a match out.
        - With a table: the latest value.
        - With a table, `as_of=True`: the latest value whose time is not after the record's. The record waits until the
          watermark of both has passed its time.

        Args:
            other: a keyed stream, or a table (`app.table`).
            within: how far apart the times of a pair may be.
            how: "left": every record, with None where nothing matches (with tables that is the default); "inner": only
                matches (with streams that is the default); "outer", of streams: every record of both.
            as_of: go by event time.

        Raises:
            PlanError: `other` is neither, or the arguments do not fit it.

        Example:
            >>> from actorstream import App
            >>> app = App("doc")
            >>> names = app.table(app.stream([(1, "one")], name="names"), key=lambda pair: pair[0])
            >>> numbers = app.stream([1, 2], name="numbers").key_by(lambda n: n, name="n")
            >>> app.collect(numbers.join(names, lambda n, pair: pair and pair[1], name="named"))
            ['one', None]
        """
        from actorstream.streams.joins import JoinOptions, join_of

        options = JoinOptions(
            within, how, as_of, name, checks.checked_parallelism(parallelism, "join"), checked(on_error, "join")
        )
        joined = join_of(self, other, options)
        return joined if function is None else joined(function)

    def _need_name(self, operation: str, function: Any, name: str | None) -> None:
        if name is None and function_name(function) is None:
            raise PlanError(
                f"{operation} at {user_site()} keeps state under its name, and a lambda has none; pass name="
            )
