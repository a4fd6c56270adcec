"""Joins of windows: every pair of each key and window, or Records filled by field name.

A function of both sides is a `map` behind the pairs, so it is called, and its policy decides, as for any other map.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from actorstream.errors import PlanError
from actorstream.streams import checks
from actorstream.streams.join_fields import filled
from actorstream.streams.joins import HOWS, check_how, check_sides
from actorstream.streams.plan import joins as join_nodes
from actorstream.streams.plan import nodes
from actorstream.streams.policies import Policy
from actorstream.streams.program import Program
from actorstream.streams.site import function_name, user_site
from actorstream.streams.stream import Stream

if TYPE_CHECKING:
    from actorstream.streams.windowed import WindowedStream

L = TypeVar("L")
W = TypeVar("W")
R = TypeVar("R")


class Sides(NamedTuple):
    """What is joined, and how."""

    left: WindowedStream[Any, Any]
    right: WindowedStream[Any, Any]
    how: str
    name: str | None
    parallelism: int
    on_error: Policy | None


class WindowJoined(Stream[tuple[L, W]]):
    """A join of windows that waits for its function; without one it is the stream of pairs."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._pairs: JoinedWindows[Any] | None = None
        self._program = sides.left._program
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
        name = self._sides.name or function_name(function)
        if name is None:
            raise PlanError(f"join at {user_site()} keeps state under its name, and a lambda has none; pass name=")
        pairs = _built(self._sides._replace(name=f"{name}.pairs"), type=tuple)
        called = pairs.map(_of_pair(function), name=name, on_error=self._sides.on_error)
        return JoinedWindows(called._node, pairs._joined, pairs._program, function)

    def _made(self) -> JoinedWindows[Any]:
        if self._pairs is None:
            self._pairs = _built(self._sides, type=tuple)
        return self._pairs


class JoinedWindows(Stream[R]):
    """What a join of windows gives. `late` is the stream of records that came after their window was final."""

    def __init__(
        self,
        node: nodes.Node,
        joined: join_nodes.WindowJoin,
        program: Program,
        function: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(program, node, function)
        self._joined = joined

    @property
    def late(self) -> Stream[Any]:
        """The records of either side that came too late for this window, as they came."""
        join = self._joined
        kind = join.left_type if join.left_type == join.right_type else Any
        naming = self._program.naming("late", None, None, self.name)
        return Stream(self._program, self._program.add(nodes.Late(inputs=(join,), type=kind, **naming)))


def window_join(sides: Sides, function: Callable[..., Any] | None, into: Any) -> Any:
    """See `WindowedStream.join`."""
    from actorstream.streams.windowed import WindowedStream

    left, right = sides.left, sides.right
    if not isinstance(right, WindowedStream):
        raise PlanError(f"join at {user_site()} was given {right!r}; give it the windows of the other stream")
    check_sides((left._program, left._key), (right._program, right._key))
    if _cut(left) != _cut(right):
        raise PlanError(
            f"join at {user_site()} is over {left._window} and {right._window}; cut both into the same windows, with "
            "the same allowed_lateness and emit"
        )
    check_how(sides.how, HOWS)
    left._is_joined = right._is_joined = True
    if into is not None:
        if function is not None:
            raise PlanError(f"join at {user_site()} was given a function and into=; one of them says what a pair gives")
        if sides.on_error is not None:
            raise PlanError(f"join at {user_site()}: on_error is for a function of a pair, and into= calls none")
        fields = filled(into, left._key, right._key, sides.how)
        return _built(sides, type=into, fields=fields)
    joined: WindowJoined[Any, Any] = WindowJoined(sides)
    return joined if function is None else joined(function)


def _cut(windowed: WindowedStream[Any, Any]) -> tuple[Any, int, str]:
    return windowed._window, windowed._allowed_lateness_us, windowed._emit


def _built(sides: Sides, **named: Any) -> JoinedWindows[Any]:
    left, right, program = sides.left, sides.right, sides.left._program
    node = join_nodes.WindowJoin(
        inputs=(left._key, right._key),
        window=left._window,
        allowed_lateness_us=left._allowed_lateness_us,
        emit=left._emit,
        how=sides.how,
        left_type=left._key.type,
        right_type=right._key.type,
        key_type=left._key.key_type,
        parallelism=sides.parallelism,
        **program.naming("join", None, sides.name, left._of, right._of),
        **named,
    )
    program.add(node)
    return JoinedWindows(node, node, program)


def _of_pair(function: Callable[[Any, Any], R]) -> Callable[[tuple[Any, Any]], R]:
    """The function of a pair."""

    def of_pair(pair: tuple[Any, Any]) -> R:
        return function(*pair)

    of_pair.__annotations__["return"] = checks.result_type(function)
    return of_pair
