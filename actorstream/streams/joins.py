"""Joins of keyed streams and tables: decorators over both sides, and streams of pairs without a function."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from actorstream.errors import PlanError
from actorstream.model.duration import duration_us
from actorstream.model.key_types import can_be_same
from actorstream.streams import checks
from actorstream.streams.plan import joins as join_nodes
from actorstream.streams.plan import nodes
from actorstream.streams.policies import Policy
from actorstream.streams.program import Program
from actorstream.streams.site import function_name, user_site
from actorstream.streams.stream import Stream
from actorstream.streams.table import Table
from actorstream.streams.timed import need_time

if TYPE_CHECKING:
    from actorstream.streams.keyed import KeyedStream

L = TypeVar("L")
W = TypeVar("W")
R = TypeVar("R")

HOWS = ("inner", "left", "outer")


class JoinOptions(NamedTuple):
    """What `join` was given besides both sides."""

    within: str | timedelta | None
    how: str | None
    as_of: bool
    name: str | None
    parallelism: int
    on_error: Policy | None


class Joined(Stream[tuple[L, W]]):
    """A join that waits for its function; without one it is the stream of pairs.

    Args:
        names: of both sides.
        make: makes the operator, from its function or None, its type, and what every operator has.
        name: as given by `name=`.
    """

    def __init__(
        self, program: Program, names: tuple[str, str], make: Callable[..., nodes.Node], name: str | None
    ) -> None:
        self._names, self._make, self._given = names, make, name
        self._pairs: nodes.Node | None = None
        self._program = program
        self._function = None

    @property
    def _node(self) -> nodes.Node:  # type: ignore[override]
        if self._pairs is None:
            self._pairs = self._build(None)
        return self._pairs

    def __call__(self, function: Callable[[L, W], R]) -> Stream[R]:
        """Decorate the function of both sides."""
        checks.check_function(function, "join")
        return Stream(self._program, self._build(function), function)

    def _build(self, function: Callable[..., Any] | None) -> nodes.Node:
        if function is not None and self._given is None and function_name(function) is None:
            raise PlanError(f"join at {user_site()} keeps state under its name, and a lambda has none; pass name=")
        naming = self._program.naming("join", function, self._given, *self._names)
        result = tuple if function is None else checks.emitted_type(checks.result_type(function))
        return self._program.add(self._make(function=function, type=result, **naming))


def join_of(left: KeyedStream[Any, Any], right: Any, options: JoinOptions) -> Joined[Any, Any]:
    """See `KeyedStream.join`."""
    from actorstream.streams.keyed import KeyedStream

    if isinstance(right, KeyedStream):
        check_sides((left._program, left._key_node()), (right._program, right._key_node()))
        return _interval(left, right, options)
    if not isinstance(right, Table):
        raise PlanError(
            f"join at {user_site()} was given {right!r}; give it a keyed stream, with within=, or a table (app.table)"
        )
    check_sides((left._program, left._key_node()), (right._program, right.node))
    if options.within is not None:
        raise PlanError(f"join at {user_site()}: within is for two streams; with a table, say as_of=True, or nothing")
    return _as_of(left, right, options) if options.as_of else _with_table(left, right, options)


def check_sides(left: tuple[Program, nodes.KeyBy], right: tuple[Program, nodes.KeyBy]) -> None:
    """Refuse sides that never meet: of two apps, or with keys of types that have no key in common.

    Raises:
        PlanError: says which.
    """
    checks.check_one_app("join", left[0], right[0])
    ours, theirs = left[1].key_type, right[1].key_type
    if not can_be_same(ours, theirs):
        raise PlanError(
            f"join at {user_site()}: the keys that {left[1].name!r} gives are {checks.type_name(ours)}, those of "
            f"{right[1].name!r} {checks.type_name(theirs)}, so none is the same; give both sides keys of one "
            "type"
        )


def check_how(how: str, known: tuple[str, ...]) -> str:
    """The kind of join.

    Raises:
        PlanError: it is none of these.
    """
    if how not in known:
        there = ", ".join(f'"{one}"' for one in known)
        raise PlanError(f"join at {user_site()}: how is {how!r}; here it is one of {there}")
    return how


def _interval(left: KeyedStream[Any, Any], right: KeyedStream[Any, Any], options: JoinOptions) -> Joined[Any, Any]:
    if options.within is None or options.as_of:
        raise PlanError(
            f'join at {user_site()} of two streams needs to know how far apart: pass within="10s"; as_of is for tables'
        )
    left._need_time("join")
    right._need_time("join")
    how = check_how(options.how or "inner", HOWS)
    within_us = duration_us(options.within, what="within")

    def make(**named: Any) -> nodes.Node:
        return join_nodes.IntervalJoin(within_us=within_us, **_both(left, right._key_node(), how, options), **named)

    return Joined(left._program, (left.name, right.name), make, options.name)


def _as_of(left: KeyedStream[Any, Any], right: Table[Any, Any], options: JoinOptions) -> Joined[Any, Any]:
    left._need_time("join")
    need_time(right.node, "join")
    how = check_how(options.how or "left", ("left", "inner"))

    def make(**named: Any) -> nodes.Node:
        return join_nodes.AsOfJoin(**_both(left, right.node, how, options), **named)

    return Joined(left._program, (left.name, right.name), make, options.name)


def _with_table(left: KeyedStream[Any, Any], right: Table[Any, Any], options: JoinOptions) -> Joined[Any, Any]:
    how = check_how(options.how or "left", ("left", "inner"))

    def make(**named: Any) -> nodes.Node:
        key = left._key_node()
        return nodes.TableJoin(
            inputs=(key, right.node),
            how=how,
            parallelism=options.parallelism,
            table_type=right.node.type,
            key_type=key.key_type,
            on_error=options.on_error,
            **named,
        )

    return Joined(left._program, (left.name, right.name), make, options.name)


def _both(left: KeyedStream[Any, Any], right: nodes.KeyBy, how: str, options: JoinOptions) -> dict[str, Any]:
    key = left._key_node()
    return {
        "inputs": (key, right),
        "how": how,
        "parallelism": options.parallelism,
        "left_type": key.type,
        "right_type": right.type,
        "key_type": key.key_type,
        "on_error": options.on_error,
    }


def tables_join(
    program: Program, left: Table[Any, Any], right: Any, how: str, name: str | None, on_error: Policy | None
) -> Joined[Any, Any]:
    """See `Table.join`."""
    if not isinstance(right, Table):
        raise PlanError(f"join at {user_site()} was given {right!r}; give it a table (app.table)")
    check_sides((program, left.node), (right._program, right.node))
    check_how(how, HOWS)

    def make(**named: Any) -> nodes.Node:
        return join_nodes.TablesJoin(
            inputs=(left.node, right.node),
            how=how,
            left_type=left.node.type,
            right_type=right.node.type,
            key_type=left.node.key_type,
            on_error=on_error,
            **named,
        )

    return Joined(program, (left.name, right.name), make, name)
