"""`first`, `last` and `collect`: by event time, whatever the order in which the records came.

At equal times the partition decides, then the offset, then the source's name; what an operator made of one record keeps
the order in which it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from actorstream.streams.aggregates.base import Aggregate, Entry, Getter, Takes

ORDER = itemgetter(0, 1, 2, 3)


class _First(Aggregate):
    """Accumulator: an `Entry`."""

    kind = "first"
    takes: Takes = "entries"

    def partial(self, values: Sequence[Entry]) -> Entry:
        return min(values, key=ORDER)

    def merge(self, one: Entry, other: Entry) -> Entry:
        return other if ORDER(other) < ORDER(one) else one

    def result(self, accumulator: Entry | None) -> Any:
        return None if accumulator is None else accumulator[4]

    def accumulator_type(self, field_type: Any) -> Any:
        return _entry_type(field_type)


class _Last(_First):
    kind = "last"

    def partial(self, values: Sequence[Entry]) -> Entry:
        return max(reversed(values), key=ORDER)  # Of equal ones the one that came last.

    def merge(self, one: Entry, other: Entry) -> Entry:
        return one if ORDER(other) < ORDER(one) else other


class _Collect(Aggregate):
    """Accumulator: a list of entries, sorted only for the result."""

    kind = "collect"
    takes: Takes = "entries"
    absorbs = True

    def partial(self, values: Sequence[Entry]) -> list[Entry]:
        return list(values)

    def merge(self, one: list[Entry], other: list[Entry]) -> list[Entry]:
        return [*one, *other]

    def absorb(self, one: list[Entry], other: list[Entry]) -> list[Entry]:
        one.extend(other)
        return one

    def result(self, accumulator: list[Entry] | None) -> list[Any] | None:
        return None if accumulator is None else [entry[4] for entry in sorted(accumulator, key=ORDER)]

    def result_type(self, field_type: Any) -> Any:
        return list[field_type] | None

    def accumulator_type(self, field_type: Any) -> Any:
        kind = _entry_type(field_type)
        return Any if kind is Any else list[kind]  # type: ignore[valid-type]


def _entry_type(value_type: Any) -> Any:
    return Any if value_type is Any else tuple[int, int, int, str, value_type]


def first(of: Getter) -> Aggregate:
    """What comes first by event time, of a field or of a function of the value; None when there is nothing but None.

    At equal times the partition decides, then the offset.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> words = app.stream([(5, "b"), (3, "a"), (9, None)], event_time=lambda pair: pair[0])
        >>> keyed = words.key_by(lambda pair: "all", name="key")
        >>> app.collect(keyed.aggregate(it=agg.first(lambda pair: pair[1])))[-1].it
        'a'
    """
    return _First(of)


def last(of: Getter) -> Aggregate:
    """What comes last by event time, of a field or of a function of the value; None when there is nothing but None.

    At equal times the partition decides, then the offset.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> words = app.stream([(5, "b"), (3, "a"), (9, None)], event_time=lambda pair: pair[0])
        >>> keyed = words.key_by(lambda pair: "all", name="key")
        >>> app.collect(keyed.aggregate(it=agg.last(lambda pair: pair[1])))[-1].it
        'b'
    """
    return _Last(of)


def collect(of: Getter) -> Aggregate:
    """All values of a field, or of a function of the value, as a list in order of event time; None when there is none.

    At equal times the partition decides, then the offset. It keeps every value, so it grows with the group.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> words = app.stream([(5, "b"), (3, "a"), (9, None)], event_time=lambda pair: pair[0])
        >>> keyed = words.key_by(lambda pair: "all", name="key")
        >>> app.collect(keyed.aggregate(it=agg.collect(lambda pair: pair[1])))[-1].it
        ['a', 'b']
    """
    return _Collect(of)
