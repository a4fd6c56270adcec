"""`of`: an aggregate of the user's own, made of four functions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from actorstream.errors import PlanError
from actorstream.streams import checks
from actorstream.streams.aggregates.base import Aggregate, Takes
from actorstream.streams.site import user_site

_IMMUTABLE = (int, float, str, bytes, bool, type(None))


class _Own(Aggregate):
    """Accumulator: what `create` gives. The functions may change it, so what others still hold is copied before."""

    kind = "of"
    takes: Takes = "records"

    def __init__(
        self,
        create: Callable[[], Any],
        add: Callable[[Any, Any], Any],
        merge: Callable[[Any, Any], Any],
        result: Callable[[Any], Any],
    ) -> None:
        super().__init__(None)
        for name, function in (("create", create), ("add", add), ("merge", merge), ("result", result)):
            if not callable(function):
                raise PlanError(f"agg.of at {user_site()} was given {name}={function!r}; give it a function")
        self._create, self._add, self._merge, self._result = create, add, merge, result

    def partial(self, values: Sequence[Any]) -> Any:
        accumulator = self._create()
        for value in values:
            accumulator = self._add(accumulator, value)
        return accumulator

    def merge(self, one: Any, other: Any) -> Any:
        # Copied also where the state gives its own away: a function that fails must not have changed it.
        return self._merge(_private(one), _private(other))

    def result(self, accumulator: Any) -> Any:
        return self._result(self._create() if accumulator is None else _private(accumulator))

    def result_type(self, field_type: Any) -> Any:
        return checks.result_type(self._result)

    def accumulator_type(self, field_type: Any) -> Any:
        return checks.result_type(self._create)

    def __str__(self) -> str:
        return f"of({getattr(self._create, '__name__', 'function')})"


def _private(accumulator: Any) -> Any:
    return accumulator if isinstance(accumulator, _IMMUTABLE) else copy.deepcopy(accumulator)


def of(
    create: Callable[[], Any],
    add: Callable[[Any, Any], Any],
    merge: Callable[[Any, Any], Any],
    result: Callable[[Any], Any],
) -> Aggregate:
    """An aggregate of one's own.

    The answer must not depend on how the records of a group were divided before they were merged, nor on the order of
    arrival, if the results of the job shall not. The functions may change the accumulators that they are given. An
    accumulator is kept in the state, so it is made of what a state can hold.

    Args:
        create: `() -> accumulator`, of no records.
        add: `(accumulator, value) -> accumulator`, with one record more.
        merge: `(accumulator, accumulator) -> accumulator`, of both.
        result: `(accumulator) -> any`, what the user sees; what it is annotated to return is the field's type.

    Raises:
        PlanError: one of them is no function.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> span = agg.of(
        ...     create=lambda: [],
        ...     add=lambda ends, n: [min([*ends, n]), max([*ends, n])],
        ...     merge=lambda one, other: [min(one + other), max(one + other)],
        ...     result=lambda ends: ends[1] - ends[0],
        ... )
        >>> numbers = app.stream([5, 2, 9]).key_by(lambda n: "all", name="key")
        >>> app.collect(numbers.aggregate(it=span))[-1].it
        7
    """
    return _Own(create, add, merge, result)
