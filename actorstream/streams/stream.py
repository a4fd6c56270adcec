"""Streams, as a program writes them: each method adds a node to the plan and gives the next stream.

A stream made from a named function stays callable: it is that function. Nothing runs here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from actorstream.errors import PlanError
from actorstream.streams import checks
from actorstream.streams.column_operators import ColumnOperators
from actorstream.streams.concurrency import check_concurrency
from actorstream.streams.ends import Ends
from actorstream.streams.missing import not_of_stream
from actorstream.streams.plan import nodes
from actorstream.streams.plan.asynchronous import CONCURRENCY, AsyncMap
from actorstream.streams.policies import Policy, checked
from actorstream.streams.program import Program
from actorstream.streams.site import function_name, user_site

if TYPE_CHECKING:
    from actorstream.streams.gaps import Gap
    from actorstream.streams.keyed import KeyedStream

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")
V_co = TypeVar("V_co", covariant=True)


class Mapping(Protocol[V_co]):
    """The decorator that `map` gives when it is called without a function."""

    @overload
    def __call__(self, function: Callable[[V_co], Coroutine[Any, Any, R]], /) -> Stream[R]: ...
    @overload
    def __call__(self, function: Callable[[V_co], R], /) -> Stream[R]: ...


class Stream(ColumnOperators[V], Ends[V]):
    """Values of one kind on their way, in event time.

    Made by `App.stream` and by the operators of other streams.
    """

    def __init__(self, program: Program, node: nodes.Node, function: Callable[..., Any] | None = None) -> None:
        self._program = program
        self._node = node
        self._function = function

    @property
    def name(self) -> str:
        """The operator's identity: in the plan, in metrics, in the state."""
        return self._node.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the decorated function itself, as a test of it would."""
        if self._function is None:
            raise TypeError(f"stream {self.name!r} was not made from a function, so it cannot be called")
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    if not TYPE_CHECKING:  # Type checkers know what is there.

        def __getattr__(self, name: str) -> Any:
            raise not_of_stream(self, name)

    @property
    def gaps(self) -> Stream[Gap]:
        """What is wrong with the numbers of a topic with a `sequence`; only of the stream that `app.stream` gave."""
        from actorstream.streams.gaps import gaps_of

        return gaps_of(self._program, self._node)

    # --- row operators ---------------------------------------------------------------------------------------------

    @overload
    def map(
        self,
        function: Callable[[V], Coroutine[Any, Any, R]],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
    ) -> Stream[R]: ...
    @overload
    def map(
        self,
        function: Callable[[V], R],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Stream[R]: ...
    @overload
    def map(
        self,
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
    ) -> Mapping[V]: ...
    def map(
        self,
        function: Any = None,
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
    ) -> Any:
        """One value for each; the result has no key. An async function is awaited, for several values at a time.

        Results of an async function come out in the order of the values, unless `ordered` is False. After a crash some
        values are asked for again; what comes of them still counts once.

        Args:
            parallelism: accepted, and changes nothing: as all operators that keep no state, this one runs in every
                instance of what it reads; an async function is called by one instance, for all.
            concurrency: of an async function: how many calls may be under way, 16 if it is left out.
            ordered: of an async function: whether a result waits for those before it. If not, only marks of event time
                keep it from overtaking.

        Raises:
            PlanError: `concurrency=` or `ordered=` with a plain function, or not a number from 1 to 10,000.

        Example:
            >>> import asyncio
            >>> from actorstream import App
            >>> app = App("doc")
            >>> numbers = app.stream([1, 2, 3])
            >>> app.collect(numbers.map(lambda n: n * 2))
            [2, 4, 6]
            >>> @numbers.map(concurrency=2)
            ... async def slowly(n: int) -> int:
            ...     await asyncio.sleep(3600 / n)  # Virtual time, in `collect` and in tests.
            ...     return n * 10
            >>> app.collect(slowly)
            [10, 20, 30]
        """
        checks.checked_parallelism(parallelism, "map")

        def build(user: Callable[..., Any]) -> Any:
            if not callable(user):
                checks.check_function(user, "map")
            plain = user._function if isinstance(user, Stream) else user  # A stream may be made from it already.
            check_concurrency(plain, concurrency, ordered)
            if plain is None or not checks.is_async(plain):
                return self._rows(nodes.Map, "map", user, name, on_error, checks.result_type)
            node = AsyncMap(
                inputs=(self._unkeyed("map"),),
                function=plain,
                type=checks.result_type(plain),
                on_error=checked(on_error, "map"),
                concurrency=concurrency or CONCURRENCY,
                ordered=ordered,
                **self._program.naming("map", user, name, self.name),
            )
            return self._next(node, user, keeps_key=False)

        return build if function is None else build(function)

    @overload
    def filter(
        self,
        function: Callable[[V], object],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Stream[V]: ...
    @overload
    def filter(
        self, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Callable[[Callable[[V], object]], Stream[V]]: ...
    def filter(
        self, function: Any = None, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Any:
        """The values for which the function is true.

        Example:
            >>> from actorstream import App
            >>> app = App("doc")
            >>> app.collect(app.stream([1, 2, 3]).filter(lambda n: n > 1))
            [2, 3]
        """
        checks.checked_parallelism(parallelism, "filter")
        return self._rows(nodes.Filter, "filter", function, name, on_error, None)

    @overload
    def tap(
        self,
        function: Callable[[V], object],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Stream[V]: ...
    @overload
    def tap(
        self, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Callable[[Callable[[V], object]], Stream[V]]: ...
    def tap(
        self, function: Any = None, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Any:
        """The same values; the function looks at each. After a crash it may see some twice.

        Example:
            >>> from actorstream import App
            >>> app = App("doc")
            >>> seen = []
            >>> app.collect(app.stream([1, 2]).tap(seen.append, name="look"))
            [1, 2]
            >>> seen
            [1, 2]
        """
        checks.checked_parallelism(parallelism, "tap")
        return self._rows(nodes.Tap, "tap", function, name, on_error, None)

    @overload
    def flat_map(
        self,
        function: Callable[[V], Iterable[R]],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> Stream[R]: ...
    @overload
    def flat_map(
        self, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Callable[[Callable[[V], Iterable[R]]], Stream[R]]: ...
    def flat_map(
        self, function: Any = None, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Any:
        """Any number of values for each: the function returns an iterable, or is a generator.

        Example:
            >>> from actorstream import App
            >>> app = App("doc")
            >>> app.collect(app.stream(["a b", "c"]).flat_map(str.split))
            ['a', 'b', 'c']
        """
        checks.checked_parallelism(parallelism, "flat_map")
        return self._rows(
            nodes.FlatMap, "flat_map", function, name, on_error, lambda f: checks.element_type(checks.result_type(f))
        )

    def _rows(
        self, kind: Any, operation: str, function: Any, name: str | None, on_error: Policy | None, typed: Any
    ) -> Any:
        """Build a row operator now, or return the decorator that will."""

        def build(user: Callable[..., Any]) -> Stream[Any]:
            checks.check_function(user, operation)
            policy = checked(on_error, operation)
            naming = self._program.naming(operation, user, name, self.name)
            value_type = self._node.type if typed is None else typed(user)
            node = kind(inputs=(self._unkeyed(operation),), function=user, type=value_type, on_error=policy, **naming)
            return self._next(node, user, keeps_key=operation in ("filter", "tap"))

        return build if function is None else build(function)

    def _unkeyed(self, operation: str) -> nodes.Node:
        return self._node

    def _next(self, node: nodes.Node, function: Callable[..., Any] | None, *, keeps_key: bool) -> Stream[Any]:
        self._program.add(node)
        return Stream(self._program, node, function)

    # --- keys, unions, ends ----------------------------------------------------------------------------------------

    @overload
    def key_by(
        self,
        function: Callable[[V], K],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> KeyedStream[K, V]: ...
    @overload
    def key_by(
        self, field: str, /, *fields: str, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> KeyedStream[Any, V]: ...
    @overload
    def key_by(
        self, /, *, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None
    ) -> Callable[[Callable[[V], K]], KeyedStream[K, V]]: ...
    def key_by(self, *by: Any, name: str | None = None, parallelism: int = 1, on_error: Policy | None = None) -> Any:
        """Give each record a key: a function of it, or the values of one field (bare) or several (a tuple).

        Example:
            >>> from actorstream import App, agg
            >>> app = App("doc")
            >>> words = app.stream(["a", "b", "a"]).key_by(lambda word: word, name="word")
            >>> app.collect(words.aggregate(n=agg.count()))[-1].n
            2
        """
        from actorstream.streams.keyed import KeyedStream

        checks.checked_parallelism(parallelism, "key_by")
        if by and all(isinstance(one, str) for one in by):
            return self._key_by_fields(by, name, on_error)

        def build(user: Callable[..., Any]) -> KeyedStream[Any, Any]:
            checks.check_function(user, "key_by")
            label = name or function_name(user) or "key"
            naming = self._program.naming("key_by", user, name, self.name)
            return KeyedStream(self._program, self._key_by_function(user, naming, label, on_error), user)

        if len(by) > 1:
            raise PlanError(f"key_by at {user_site()} was given {by!r}; give it one function, or field names")
        return build(by[0]) if by else build

    def _key_by_function(
        self, function: Callable[[V], Any], naming: dict[str, Any], label: str, on_error: Policy | None = None
    ) -> nodes.KeyBy:
        node = nodes.KeyBy(
            inputs=(self._node,),
            type=self._node.type,
            function=function,
            key_type=checks.result_type(function),
            key_names=(label,),
            on_error=checked(on_error, "key_by"),
            **naming,
        )
        self._program.add(node)
        return node

    def _key_by_fields(self, fields: tuple[str, ...], name: str | None, on_error: Policy | None) -> KeyedStream[Any, V]:
        from actorstream.streams.keyed import KeyedStream

        for field in fields:
            checks.check_field(self._node.type, field, "key_by")
        types = tuple(checks.field_type(self._node.type, field) for field in fields)
        naming = self._program.naming("key_by", None, name, self.name, ",".join(fields))
        node = nodes.KeyBy(
            inputs=(self._node,),
            type=self._node.type,
            fields=fields,
            key_type=types[0] if len(fields) == 1 else tuple.__class_getitem__(types),
            key_names=fields,
            on_error=checked(on_error, "key_by"),
            **naming,
        )
        self._program.add(node)
        return KeyedStream(self._program, node)

    def union(self, *others: Stream[R], name: str | None = None) -> Stream[V | R]:
        """This stream and others as one, in no particular order between them.

        Example:
            >>> from actorstream import App
            >>> app = App("doc")
            >>> sorted(app.collect(app.stream([1], name="one").union(app.stream([2], name="two"))))
            [1, 2]
        """
        inputs: tuple[Stream[Any], ...] = (self, *others)
        checks.check_one_app("union", *(one._program for one in inputs))
        types = [one._node.type for one in inputs]
        alike = all(one == types[0] for one in types)
        naming = self._program.naming("union", None, name, self.name)
        node = nodes.Union(inputs=tuple(one._node for one in inputs), type=types[0] if alike else Any, **naming)
        return Stream(self._program, self._program.add(node))

    def split(
        self,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
        **branches: Callable[[V], object],
    ) -> tuple[Stream[V], ...]:
        """Several streams out of one: each value goes to the first branch whose predicate is true of it.

        The streams come in the order of the keywords, and are named after them. A value for which no predicate is true
        is dropped; a last `rest=lambda value: True` catches it. Branches of a keyed stream keep the key.

        Raises:
            PlanError: no branch, or one that is no function.

        Example:
            >>> from actorstream import App
            >>> app = App("doc")
            >>> high, low = app.stream([1, 5, 3, 9]).split(high=lambda n: n > 4, low=lambda n: n > 1)
            >>> app.collect(high), app.collect(low)
            ([5, 9], [3])
        """
        checks.checked_parallelism(parallelism, "split")
        if not branches:
            raise PlanError(f"split at {user_site()} was given no branch; give it some: split(high=predicate, ...)")
        for predicate in branches.values():
            checks.check_function(predicate, "split")
        value_type, before = self._node.type, self._unkeyed("split")
        naming = self._program.naming("split", None, name, self.name)
        split = nodes.Split(
            inputs=(before,),
            predicates=tuple(branches.items()),
            type=value_type,
            on_error=checked(on_error, "split"),
            **naming,
        )
        self._program.add(split)
        return tuple(
            self._next(
                nodes.Branch(
                    inputs=(split,),
                    place=place,
                    type=value_type,
                    **self._program.naming("branch", None, f"{split.name}[{branch}]", None),
                ),
                None,
                keeps_key=True,
            )
            for place, branch in enumerate(branches)
        )
