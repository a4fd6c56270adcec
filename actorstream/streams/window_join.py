"""Joins of windows: every pair of each key and window.

They are made of operators that are there: both sides become one stream of values that know their side and their key,
and a function over its windows gives the pairs, with each of which the user's is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from actorstream.errors import PlanError
from actorstream.streams import checks
from actorstream.streams.joins import HOWS, check_how
from actorstream.streams.plan import nodes
from actorstream.streams.policies import Policy
from actorstream.streams.site import function_name, user_site
from actorstream.streams.stream import Stream
from actorstream.streams.windows import Window

if TYPE_CHECKING:
    from actorstream.streams.windowed import WindowedStream, WindowResult

L = TypeVar("L")
W = TypeVar("W")
R = TypeVar("R")

Sided = tuple[int, Any, Any]
"""The side (0: left, 1: right), the key and the value of a record."""


class WindowJoined(Stream[tuple[L, W]]):
    """A join of windows that waits for its function; without one it is the stream of pairs."""

    def __init__(
        self,
        left: WindowedStream[Any, L],
        right: WindowedStream[Any, W],
        how: str,
        name: str | None,
        parallelism: int,
        on_error: Policy | None,
    ) -> None:
        self._left, self._right, self._how, self._given = left, right, how, name
        self._parallelism, self._on_error = parallelism, on_error
        self._pairs: JoinedWindows[Any] | None = None
        self._program = left._program
        self._function = None

    @property
    def _node(self) -> nodes.Node:  # type: ignore[override]
        return self._made()._node

    @property
    def late(self) -> Stream[Any]:
        """The records of either side that came after their window was final."""
        return self._made().late

    def __call__(self, function: Callable[[L, W], R]) -> JoinedWindows[R]:
        """Decorate the function of both sides."""
        checks.check_function(function, "join")
        return self._build(function)

    def _made(self) -> JoinedWindows[Any]:
        if self._pairs is None:
            self._pairs = self._build(None)
        return self._pairs

    def _build(self, function: Callable[..., Any] | None) -> JoinedWindows[Any]:
        left = self._left
        name = self._given or (function_name(function) if function is not None else self._path())
        if name is None:
            raise PlanError(f"join at {user_site()} keeps state under its name, and a lambda has none; pass name=")
        sides = [_sided(one, side, name) for side, one in ((0, left), (1, self._right))]
        both = sides[0].union(sides[1], name=f"{name}.both")
        keyed = both.key_by(_key_function(left._key.key_type), name=f"{name}.key")
        lateness = timedelta(microseconds=left._allowed_lateness_us)
        windows = keyed.window(left._window, allowed_lateness=lateness, emit=left._emit)
        pairs = name if function is None else f"{name}.pairs"
        windows_of = windows.apply(_pairing(self._how), name=pairs, parallelism=self._parallelism)
        if function is None:
            return JoinedWindows(windows_of._node, windows_of, None)
        called = windows_of.map(_of_pair(function), name=name, on_error=self._on_error)
        return JoinedWindows(called._node, windows_of, function)

    def _path(self) -> str:
        return f"{self._left._of}.join[{self._right._of}]"


class JoinedWindows(Stream[R]):
    """What a join of windows gives. `late` is the stream of records that came after their window was final."""

    def __init__(self, node: nodes.Node, windows: WindowResult[Any], function: Callable[..., Any] | None) -> None:
        super().__init__(windows._program, node, function)
        self._windows = windows

    @property
    def late(self) -> Stream[Any]:
        """The records of either side that came too late for this window, as they came."""
        return self._windows.late.map(_value, name=f"{self.name}.late.value")


def window_join(
    left: WindowedStream[Any, Any],
    right: Any,
    how: str,
    name: str | None,
    parallelism: int,
    on_error: Policy | None,
) -> WindowJoined[Any, Any]:
    """See `WindowedStream.join`."""
    from actorstream.streams.windowed import WindowedStream

    if not isinstance(right, WindowedStream):
        raise PlanError(f"join at {user_site()} was given {right!r}; give it the windows of the other stream")
    if _cut(left) != _cut(right):
        raise PlanError(
            f"join at {user_site()} is over {left._window} and {right._window}; cut both into the same windows, with "
            "the same allowed_lateness and emit"
        )
    check_how(how, HOWS)
    return WindowJoined(left, right, how, name, parallelism, on_error)


def _cut(windowed: WindowedStream[Any, Any]) -> tuple[Any, int, str]:
    return windowed._window, windowed._allowed_lateness_us, windowed._emit


def _sided(windowed: WindowedStream[Any, Any], side: int, name: str) -> Stream[Sided]:
    key = windowed._key
    key_of = key.function if key.function is not None else _fields(key.fields)

    def sided(value: Any) -> Sided:
        return side, key_of(value), value

    stream: Stream[Any] = Stream(windowed._program, key.inputs[0])
    return stream.map(sided, name=f"{name}.{('left', 'right')[side]}")


def _fields(names: tuple[str, ...]) -> Callable[[Any], Any]:
    getters = [checks.getter(name) for name in names]
    if len(getters) == 1:
        return getters[0]
    return lambda value: tuple(get(value) for get in getters)


def _key_function(kind: Any) -> Callable[[Sided], Any]:
    def key(sided: Sided) -> Any:
        return sided[1]

    key.__annotations__["return"] = kind  # By which keys are made again of what the state holds.
    return key


def _value(sided: Sided) -> Any:
    return sided[2]


def _pairing(how: str) -> Callable[[Window[Any, Sided]], Iterator[tuple[Any, Any]]]:
    """A function that gives the pairs of a window."""

    def pairs(window: Window[Any, Sided]) -> Iterator[tuple[Any, Any]]:
        sides: tuple[list[Any], list[Any]] = ([], [])
        for side, _, value in window:
            sides[side].append(value)
        lefts, rights = sides
        if not rights and how != "inner":
            rights = [None]
        if not lefts and how == "outer":
            lefts = [None]
        for left in lefts:
            for right in rights:
                yield left, right

    pairs.__annotations__["return"] = Iterator[tuple[Any, ...]]
    return pairs


def _of_pair(function: Callable[[Any, Any], R]) -> Callable[[tuple[Any, Any]], R]:
    """The function of a pair."""

    def of_pair(pair: tuple[Any, Any]) -> R:
        return function(*pair)

    of_pair.__annotations__["return"] = checks.result_type(function)
    return of_pair
