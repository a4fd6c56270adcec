"""Keyed streams in which a pattern is looked for, and what its matches give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from actorstream.errors import PlanError
from actorstream.streams import checks
from actorstream.streams.missing import not_of_matches
from actorstream.streams.pattern import Match, Pattern
from actorstream.streams.plan import nodes
from actorstream.streams.policies import Policy, checked
from actorstream.streams.program import Program
from actorstream.streams.site import function_name, user_site
from actorstream.streams.stream import Stream

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")

PARTIAL_MAX = 10_000
"""Partial matches that a key may have, unless `match` is told otherwise."""


class MatchResult(Stream[R]):
    """What matches give. `late` is the stream of records that came too late to be matched."""

    @property
    def late(self) -> Stream[Any]:
        """The records behind their partition's watermark, as they came: no match has them."""
        naming = self._program.naming("late", None, None, self._node.name)
        kind = self._node.inputs[0].type
        node = self._program.add(nodes.Late(inputs=(self._node,), type=kind, **naming))
        return Stream(self._program, node)


class MatchingStream(Generic[K, V]):
    """Matches that wait for their function: decorate one over `Match`, or give it to `apply`."""

    def __init__(
        self, program: Program, of: str, key: nodes.KeyBy, pattern: Pattern[V], overlap: bool, partial_max: int
    ) -> None:
        self._program, self._of, self._key = program, of, key
        self._pattern, self._overlap, self._partial_max = pattern, overlap, partial_max

    if not TYPE_CHECKING:  # Type checkers know what is there.

        def __getattr__(self, name: str) -> Any:
            raise not_of_matches(self, name)

    @overload
    def __call__(self, function: Callable[[Match[K, V]], Iterator[R]]) -> MatchResult[R]: ...
    @overload
    def __call__(self, function: Callable[[Match[K, V]], R | None]) -> MatchResult[R]: ...
    def __call__(self, function: Callable[[Match[K, V]], Any]) -> MatchResult[Any]:
        """Decorate a function over `Match`; it returns a value, None (nothing) or is a generator."""
        return self.apply(function)

    @overload
    def apply(
        self,
        function: Callable[[Match[K, V]], Iterator[R]],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> MatchResult[R]: ...
    @overload
    def apply(
        self,
        function: Callable[[Match[K, V]], R | None],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> MatchResult[R]: ...
    def apply(
        self,
        function: Callable[[Match[K, V]], Any],
        /,
        *,
        name: str | None = None,
        parallelism: int = 1,
        on_error: Policy | None = None,
    ) -> MatchResult[Any]:
        """A function of each match: a value, None (nothing), or a generator. The result's time is the match's `end`.

        Args:
            parallelism: how many instances share the keys, 1 to 256; it changes no match.
            on_error: what becomes of a match that the function fails on, and of a record that a condition fails on,
                which then is in no match.

        Raises:
            PlanError: not a function, a lambda without `name=`, or no number of instances.

        Example:
            >>> from datetime import UTC, datetime, timedelta
            >>> from actorstream import App, pattern
            >>> noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
            >>> app = App("doc")
            >>> seconds = app.stream([1, 2, 9, 10], name="seconds", event_time=lambda s: noon + timedelta(seconds=s))
            >>> twice = pattern(lambda s: True, name="any").times(2).within("5s")
            >>> pairs = seconds.key_by(lambda s: "all", name="all").match(twice)
            >>> app.collect(pairs.apply(lambda match: match.all("any"), name="pairs"))
            [[1, 2], [9, 10]]
        """
        checks.check_function(function, "match")
        if name is None and function_name(function) is None:
            raise PlanError(f"match at {user_site()} keeps state under its name, and a lambda has none; pass name=")
        key = self._key
        node = nodes.MatchPattern(
            inputs=(key,),
            pattern=self._pattern,
            function=function,
            overlap=self._overlap,
            partial_max=self._partial_max,
            value_type=key.type,
            key_type=key.key_type,
            type=checks.emitted_type(checks.result_type(function)),
            parallelism=checks.checked_parallelism(parallelism, "match"),
            on_error=checked(on_error, "match"),
            **self._program.naming("match", function, name, self._of),
        )
        return MatchResult(self._program, self._program.add(node), function)


def matching(
    program: Program, of: str, key: nodes.KeyBy, pattern: Any, overlap: bool, partial_max: int
) -> MatchingStream[Any, Any]:
    """See `KeyedStream.match`."""
    if not isinstance(pattern, Pattern):
        raise PlanError(
            f'match at {user_site()} was given {pattern!r}; give it a pattern: pattern(small).then(large).within("5m")'
        )
    if pattern.within_us is None:
        raise PlanError(
            f"match at {user_site()}: the pattern {pattern} has no end in time, so what it keeps would have none; add "
            '.within("5m")'
        )
    if pattern.steps[-1].optional:
        raise PlanError(
            f"match at {user_site()}: the last step of {pattern} is optional, so a match is complete without it; leave "
            "it out, or let a step follow"
        )
    if not isinstance(partial_max, int) or isinstance(partial_max, bool) or partial_max < 1:
        raise PlanError(
            f"match at {user_site()}: partial_max is {partial_max!r}; give a number of partial matches, from 1"
        )
    return MatchingStream(program, of, key, pattern, bool(overlap), partial_max)
