"""Patterns: which records of a key, one after the other, make a match; and the match, for a function.

A pattern is data: steps in order, what must not come between them, and a time within which all of it happens. What
finds matches is `engine/matching.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from actorstream.errors import PlanError
from actorstream.model.duration import duration_us, show_us
from actorstream.model.instant import Instant, to_datetime
from actorstream.streams import checks
from actorstream.streams.site import function_name, user_site

K = TypeVar("K")
V = TypeVar("V")

CONDITIONS_MAX = 32
"""Steps and exclusions that a pattern may have together."""

TIMES_MAX = 1_000
"""The largest number that `times`, `at_least` and `up_to` take."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A function of a record, and the name under which it is known in matches and messages."""

    name: str
    function: Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Step:
    """Records that a match takes: from `least` to `most` of them (None: any number), or none if it is optional.

    `directly`: the first comes directly after the record before it; `in_a_row`: the others do.
    """

    condition: Condition
    directly: bool = False
    least: int = 1
    most: int | None = 1
    in_a_row: bool = False
    optional: bool = False
    excluded: tuple[
        Condition, ...
    ] = ()  # what must not come between this step's last record and the next that is taken

    def __str__(self) -> str:
        if self.least == self.most:
            times = "" if self.least == 1 else f"{{{self.least}}}"
        else:
            times = f"{{{self.least},{'' if self.most is None else self.most}}}"
        return f"{self.condition.name}{times}{'?' if self.optional else ''}"


@dataclass(frozen=True, slots=True)
class Pattern(Generic[V]):
    """A sequence of steps; made by `pattern`, and never changed: each method gives a new one.

    Example:
        >>> from actorstream import pattern
        >>> failed = pattern(lambda attempt: not attempt["ok"], name="failed").times(3)
        >>> str(failed.then(lambda attempt: attempt["ok"], name="entered").within("5m"))
        'failed{3} → entered within 5m'
    """

    steps: tuple[Step, ...]
    within_us: int | None = None
    _quantified: bool = field(default=False, repr=False)

    def then(self, function: Callable[[V], object], /, *, name: str | None = None) -> Pattern[V]:
        """Then, sooner or later, a record for which the function is true; others may come between.

        Raises:
            PlanError: no function, a lambda without `name=`, a name that is there already, or too many steps.
        """
        return self._with(Step(self._condition("then", function, name)))

    def next(self, function: Callable[[V], object], /, *, name: str | None = None) -> Pattern[V]:
        """Then, as the very next record of the key, one for which the function is true.

        Raises:
            PlanError: as `then`.
        """
        return self._with(Step(self._condition("next", function, name), directly=True, in_a_row=True))

    def without(self, function: Callable[[V], object], /, *, name: str | None = None) -> Pattern[V]:
        """No record for which the function is true, between the steps before and after this.

        At the end of a pattern: none until the time of `within` has passed, counted from the match's first record. Then
        the match is found when that time has passed, not before.

        Raises:
            PlanError: as `then`.
        """
        condition = self._condition("without", function, name)
        last = self.steps[-1]
        return replace(self, steps=(*self.steps[:-1], replace(last, excluded=(*last.excluded, condition))))

    def times(self, least: int, most: int | None = None, /, *, in_a_row: bool = False) -> Pattern[V]:
        """The last step takes this many records; with two numbers, from the one to the other.

        Args:
            in_a_row: no other record of the key comes between them; so it is for a step made by `next` anyway.

        Raises:
            PlanError: not numbers from 1 to `TIMES_MAX`, the second less than the first, or said twice.
        """
        return self._quantify("times", least, least if most is None else most, in_a_row)

    def at_least(self, least: int, /, *, in_a_row: bool = False) -> Pattern[V]:
        """The last step takes this many records or more. `in_a_row` and errors: as `times`."""
        return self._quantify("at_least", least, None, in_a_row)

    def up_to(self, most: int, /, *, in_a_row: bool = False) -> Pattern[V]:
        """The last step takes one record, or more up to this many. `in_a_row` and errors: as `times`."""
        return self._quantify("up_to", 1, most, in_a_row)

    def optional(self) -> Pattern[V]:
        """The last step may take no record at all.

        Raises:
            PlanError: it is the first one: a match begins with a record.
        """
        if len(self.steps) == 1:
            raise PlanError(
                f"optional at {user_site()}: the first step of a pattern takes a record, because a match begins with it"
            )
        return self._change_last(optional=True)

    def within(self, time: str | timedelta, /) -> Pattern[V]:
        """All of a match happens in this time, from its first record to its last; both ends count.

        Raises:
            ValueError: not a positive duration.
        """
        return replace(self, within_us=duration_us(time, what="the time of within"))

    def _with(self, step: Step) -> Pattern[V]:
        return replace(self, steps=(*self.steps, step), _quantified=False)

    def _change_last(self, **changes: Any) -> Pattern[V]:
        return replace(self, steps=(*self.steps[:-1], replace(self.steps[-1], **changes)))

    def _condition(self, method: str, function: Any, name: str | None) -> Condition:
        made = _condition(method, function, name)
        known = self.conditions
        if made.name in [one.name for one in known]:
            raise PlanError(
                f"{method} at {user_site()}: the pattern has a step {made.name!r} already, and a match knows its "
                "records by these names; pass another name="
            )
        if len(known) >= CONDITIONS_MAX:
            raise PlanError(f"{method} at {user_site()}: a pattern has at most {CONDITIONS_MAX} steps and exclusions")
        return made

    def _quantify(self, method: str, least: int, most: int | None, in_a_row: bool) -> Pattern[V]:
        for number in (least, least if most is None else most):
            if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= TIMES_MAX:
                raise PlanError(f"{method} at {user_site()} was given {number!r}; give a number from 1 to {TIMES_MAX}")
        if most is not None and most < least:
            raise PlanError(
                f"{method} at {user_site()}: from {least} to {most} is no range; give the smaller one first"
            )
        if self._quantified:
            raise PlanError(
                f"{method} at {user_site()}: how often step {self.steps[-1].condition.name!r} comes was said already; "
                "say it once: times(2, 4)"
            )
        last = self.steps[-1]
        changed = self._change_last(least=least, most=most, in_a_row=in_a_row or last.in_a_row)
        return replace(changed, _quantified=True)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What each record is asked: those of the steps in order, then those that are excluded."""
        steps = tuple(step.condition for step in self.steps)
        return steps + tuple(one for step in self.steps for one in step.excluded)

    def __str__(self) -> str:
        said = str(self.steps[0])
        for before, step in zip(self.steps, (*self.steps[1:], None), strict=True):
            said += "".join(f" → not {one.name}" for one in before.excluded)
            if step is not None:
                said += f"{' ⇒ ' if step.directly else ' → '}{step}"
        return said if self.within_us is None else f"{said} within {show_us(self.within_us)}"


def pattern(function: Callable[[V], object], /, *, name: str | None = None) -> Pattern[V]:
    """A pattern that begins with a record for which the function is true.

    Args:
        function: of a record's value; true if the record fits. It sees one record, whatever was taken before.
        name: under which a match gives the record; the function's own, if it has one.

    Raises:
        PlanError: no function, or a lambda without a name.

    Example:
        >>> from datetime import UTC, datetime, timedelta
        >>> from actorstream import App, Match, pattern
        >>> noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
        >>> app = App("doc")
        >>> def small(amount: int) -> bool:
        ...     return amount < 10
        >>> def large(amount: int) -> bool:
        ...     return amount > 100
        >>> amounts = app.stream([5, 50, 500], name="amounts", event_time=lambda n: noon + timedelta(seconds=n))
        >>> @amounts.key_by(lambda n: "ann", name="card").match(pattern(small).then(large).within("10m"))
        ... def alert(match: Match[str, int]) -> str:
        ...     return f"{match.key}: {match['small']}, {match['large']}"
        >>> app.collect(alert)
        ['ann: 5, 500']
    """
    return Pattern((Step(_condition("pattern", function, name)),))


def _condition(method: str, function: Any, name: str | None) -> Condition:
    checks.check_function(function, method)
    given = name if name is not None else function_name(function)
    if not isinstance(given, str) or not given:
        raise PlanError(
            f"{method} at {user_site()}: a match knows its records by names, and a lambda has none; pass name="
        )
    return Condition(given, function)


class Match(Generic[K, V]):
    """What a pattern has found: the records of each step, for a function.

    `key`; `start` and `end` (aware datetimes): when the first record happened and when the last one did, or, where the
    pattern ends with `without`, when its time was over. Iterates all its values in order; has a length.

    Example:
        >>> from actorstream import Match
        >>> from actorstream.model.instant import to_datetime
        >>> match = Match("ann", to_datetime(0), to_datetime(2), {"small": [1, 2], "large": [900], "odd": []})
        >>> match["small"], match.all("small"), match.get("odd"), list(match)
        (1, [1, 2], None, [1, 2, 900])
    """

    __slots__ = ("_values", "end", "key", "start")

    def __init__(self, key: K, start: datetime, end: datetime, values: Mapping[str, Sequence[V]]) -> None:
        self.key = key
        self.start = start
        self.end = end
        self._values = values  # of each step, in the order of the pattern

    @classmethod
    def of(cls, key: K, start: Instant, end: Instant, values: Mapping[str, Sequence[V]]) -> Match[K, V]:
        """From instants."""
        return cls(key, to_datetime(start), to_datetime(end), values)

    def __getitem__(self, name: str) -> V:
        """The record of a step; the first, if it took several.

        Raises:
            KeyError: the step took none, or there is no such step; says which there are.
        """
        values = self._of(name)
        if not values:
            raise KeyError(f"step {name!r} took no record in this match; ask with get({name!r})")
        return values[0]

    def get(self, name: str) -> V | None:
        """As `match[name]`; None if the step took no record."""
        values = self._of(name)
        return values[0] if values else None

    def all(self, name: str) -> list[V]:
        """All records of a step, in order."""
        return list(self._of(name))

    def _of(self, name: str) -> Sequence[V]:
        if name not in self._values:
            raise KeyError(f"the pattern has no step {name!r}; it has {', '.join(self._values)}")
        return self._values[name]

    def __iter__(self) -> Iterator[V]:
        return (value for values in self._values.values() for value in values)

    def __len__(self) -> int:
        return sum(map(len, self._values.values()))

    def __repr__(self) -> str:
        taken = ", ".join(f"{name}: {len(values)}" for name, values in self._values.items())
        return f"Match(key={self.key!r}, start={self.start}, end={self.end}, {taken})"
