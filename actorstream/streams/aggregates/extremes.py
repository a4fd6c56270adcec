"""`min` and `max`."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

from actorstream.streams.aggregates.base import Aggregate, Getter


class _Min(Aggregate):
    """Not-a-number counts only where there is nothing else, so that the order of arrival does not."""

    kind = "min"
    choose: Callable[..., Any] = staticmethod(builtins.min)

    def partial(self, values: Sequence[Any]) -> Any:
        chosen = self.choose(values)
        if chosen == chosen:
            return chosen
        return self.choose([value for value in values if value == value] or values)

    def merge(self, one: Any, other: Any) -> Any:
        chosen = self.choose(one, other)
        return chosen if chosen == chosen else other

    def result(self, accumulator: Any) -> Any:
        return accumulator


class _Max(_Min):
    kind = "max"
    choose = staticmethod(builtins.max)


def min(of: Getter) -> Aggregate:  # noqa: A001
    """The smallest of a field, or of a function of the value; None when there is nothing but None.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> numbers = app.stream([3, 1, 2]).key_by(lambda n: "all", name="key")
        >>> app.collect(numbers.aggregate(it=agg.min(lambda n: n)))[-1].it
        1
    """
    return _Min(of)


def max(of: Getter) -> Aggregate:  # noqa: A001
    """The largest of a field, or of a function of the value; None when there is nothing but None.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> numbers = app.stream([3, 1, 2]).key_by(lambda n: "all", name="key")
        >>> app.collect(numbers.aggregate(it=agg.max(lambda n: n)))[-1].it
        3
    """
    return _Max(of)
