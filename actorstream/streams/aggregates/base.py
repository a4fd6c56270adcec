"""What every aggregate is: how it folds the values of a group, merges what was folded apart, and gives its result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal

from actorstream.errors import PlanError

Getter = str | Callable[[Any], Any]
"""A field's name, or a function of the value."""

Takes = Literal["count", "values", "entries", "ranked", "records"]

Entry = tuple[int, int, int, str, Any]
"""A value and when it was: event time, partition, offset, source, value. The first four are its order."""


class Aggregate(ABC):
    """One aggregate over a group. Accumulators are None, or of types that a state can hold.

    `takes` says what it is given of each record: nothing but how many there are (then `partial` is given any sequence
    of that length), what `of` is, an `Entry`, or the record itself.
    """

    kind = ""
    takes: Takes = "values"
    absorbs = False  # Whether `absorb` changes its first argument.

    def __init__(self, of: Getter | None) -> None:
        if of is not None and not isinstance(of, str) and not callable(of):
            raise PlanError(f"agg.{self.kind}({of!r}): give a field's name or a function")
        self.of = of

    @abstractmethod
    def partial(self, values: Sequence[Any]) -> Any:
        """The accumulator of `values`, which are what it `takes`: at least one, none of them None."""

    @abstractmethod
    def merge(self, one: Any, other: Any) -> Any:
        """The accumulator of both groups; must not change its arguments."""

    def absorb(self, one: Any, other: Any) -> Any:
        """The same as `merge`; may change its first argument, and then never fails, but for a damaged state."""
        return self.merge(one, other)

    @abstractmethod
    def result(self, accumulator: Any) -> Any:
        """What the user sees; the accumulator is None when no value was left."""

    def result_type(self, field_type: Any) -> Any:
        """The type of the result, given that of the field."""
        return Any if field_type is Any else field_type | None

    def accumulator_type(self, field_type: Any) -> Any:
        """The type of accumulators that are not None, given that of the field."""
        return field_type

    def problem(self, field_type: Any) -> str | None:
        """Why it cannot be computed over values of this type; None if it can, or if only the values will tell."""
        return None

    @property
    def fields(self) -> tuple[str, ...] | None:
        """The fields that are all it reads of a record; None if it reads the record itself."""
        if self.takes == "count":
            return ()
        return (self.of,) if self.takes in ("values", "entries") and isinstance(self.of, str) else None

    def __str__(self) -> str:
        what = "" if self.of is None else self.of if isinstance(self.of, str) else "function"
        return f"{self.kind}({what})"
