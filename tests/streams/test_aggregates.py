"""What is computed over a group: exact, whatever the order and the pieces in which its values come."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actorstream import App, agg
from actorstream.errors import OperatorError
from actorstream.model.codec import is_exact
from actorstream.streams.aggregates import Aggregate
from actorstream.streams.engine.aggregate import Folding
from tests.streams.makers import event, events_of

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
lists_of_numbers = st.lists(numbers, min_size=1, max_size=12)


def pieces_of(values: Sequence[Any], cuts: list[int]) -> list[Sequence[Any]]:
    """The values cut at these places."""
    places = sorted({cut % len(values) for cut in cuts} | {0})
    return [values[start:end] for start, end in zip(places, [*places[1:], len(values)], strict=True)]


def merged(aggregate: Aggregate, pieces: Sequence[Sequence[Any]]) -> Any:
    """The result over pieces that were folded by themselves."""
    return aggregate.result(functools.reduce(aggregate.merge, map(aggregate.partial, pieces)))


def rounded(total: Fraction) -> float:
    """The nearest float, infinite beyond the largest."""
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


@given(values=lists_of_numbers)
@example(values=[1e308, 1e308, -1e308])
@example(values=[10.0**exponent for exponent in range(-300, 301, 20)])
@example(values=[2**53 + 1, 1.0])
@example(values=[2**2000, 1.0])
def test_a_sum_is_the_exact_sum_rounded_once(values: list[Any]) -> None:
    """Integers stay integers; with a float among them the result is one."""
    total = sum(map(Fraction, values))

    result = merged(agg.sum("n"), [values])

    assert result == (rounded(total) if any(isinstance(value, float) for value in values) else total)


small = st.integers() | st.floats(-1e300, 1e300)


@given(values=st.lists(small, min_size=1, max_size=12), cuts=st.lists(st.integers(0, 50)), order=st.randoms())
@example(values=[10.0**exponent for exponent in range(-300, 301, 20)], cuts=[1, 7, 13], order=None)
def test_a_sum_does_not_depend_on_order_or_pieces(values: list[Any], cuts: list[int], order: Any) -> None:
    """Not in its last bit."""
    shuffled = list(values)
    if order is not None:
        order.shuffle(shuffled)

    assert merged(agg.sum("n"), pieces_of(shuffled, cuts)) == merged(agg.sum("n"), [values])


@given(values=st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=50))
def test_an_accumulator_stays_small(values: list[float]) -> None:
    """However many values it has taken."""
    aggregate = agg.sum("n")
    accumulator = functools.reduce(aggregate.merge, [aggregate.partial([value]) for value in values])

    assert len(accumulator) <= 42


def test_infinities_and_not_a_number_go_through() -> None:
    """As they do in floating-point arithmetic."""
    total = agg.sum("n")

    assert merged(total, [[math.inf, 1.0], [1e308, 1e308]]) == math.inf
    assert math.isnan(merged(total, [[math.inf], [-math.inf]]))
    assert math.isnan(merged(total, [[math.nan, 1e308, 1e308]]))
    assert merged(total, [[1e308], [1e308]]) == math.inf


@given(
    values=st.lists(st.integers(-(2**60), 2**60) | st.floats(-1e290, 1e290), min_size=1),
    cuts=st.lists(st.integers(0, 50)),
)
def test_a_mean_is_the_sum_over_the_count(values: list[Any], cuts: list[int]) -> None:
    """In whatever pieces the values came."""
    assert merged(agg.mean("n"), pieces_of(values, cuts)) == merged(agg.sum("n"), [values]) / len(values)


def test_a_mean_of_integers_is_rounded_once() -> None:
    """And may be beyond the largest float."""
    assert merged(agg.mean("n"), [[2**53], [2**53 + 2]]) == float(2**53 + 1)
    assert merged(agg.mean("n"), [[10**400]]) == math.inf


@given(values=st.lists(st.integers() | st.floats(), min_size=1), cuts=st.lists(st.integers(0, 50)), order=st.randoms())
def test_the_least_and_the_greatest_do_not_depend_on_order(values: list[Any], cuts: list[int], order: Any) -> None:
    """Not-a-number counts only where there is nothing else."""
    proper = [value for value in values if value == value]
    order.shuffle(values)

    least, greatest = (merged(one, pieces_of(values, cuts)) for one in (agg.min("n"), agg.max("n")))

    if proper:
        assert (least, greatest) == (min(proper), max(proper))
    else:
        assert math.isnan(least)
        assert math.isnan(greatest)


@given(sizes=st.lists(st.integers(1, 9), min_size=1))
def test_a_count_counts_every_record(sizes: list[int]) -> None:
    """In all pieces."""
    assert merged(agg.count(), [[None] * size for size in sizes]) == sum(sizes)


ALL = {"n": agg.count(), "sum": agg.sum("x"), "min": agg.min("x"), "max": agg.max("x"), "mean": agg.mean("x")}


def last_of(values: list[Any]) -> dict[str, Any]:
    """The last of the running aggregates of one key."""
    app = App("job")
    stream = app.stream([{"x": value} for value in values]).key_by(lambda row: "all", name="key")
    row = app.collect(stream.aggregate(**ALL))[-1]
    return {name: getattr(row, name) for name in ALL}


def test_none_is_ignored() -> None:
    """By all but the count."""
    assert last_of([1, None, 3]) == {"n": 3, "sum": 4, "min": 1, "max": 3, "mean": 2.0}


def test_nothing_but_none_gives_none() -> None:
    """And a count."""
    assert last_of([None, None]) == {"n": 2, "sum": None, "min": None, "max": None, "mean": None}


def test_whatever_can_be_compared_has_a_least_and_a_greatest() -> None:
    """Texts and dates, too."""
    app = App("job")
    days = app.stream([date(2024, 1, 2), date(2024, 1, 1)]).key_by(lambda day: "all", name="key")

    (_, row) = app.collect(days.aggregate(first=agg.min(lambda day: day), last=agg.max(lambda day: str(day))))

    assert (row.first, row.last) == (date(2024, 1, 1), "2024-01-02")


@pytest.mark.parametrize("values", [["a"], [1, "a"]])
def test_values_that_cannot_be_added_stop_the_job_with_their_operator(values: list[Any]) -> None:
    """As a failing function of the user's does."""
    app = App("job")
    stream = app.stream(values).key_by(lambda value: "all", name="key")

    with pytest.raises(OperatorError, match=r"operator 'total' failed on sum\(function\) of \['a'\]: TypeError"):
        app.collect(stream.aggregate(name="total", n=agg.sum(lambda value: value)))


def test_values_that_cannot_be_compared_stop_the_job_with_their_operator() -> None:
    """Also when they meet only in the state."""
    app = App("job")
    stream = app.stream([1, "a"]).key_by(lambda value: "all", name="key")

    with pytest.raises(OperatorError, match=r"operator 'least' failed on min\(function\) of \(1, 'a'\): TypeError"):
        app.collect(stream.aggregate(name="least", n=agg.min(lambda value: value)))


def test_a_running_aggregate_gives_a_record_at_every_change() -> None:
    """The key by its field's name, then the aggregates."""
    app = App("job")

    rows = app.collect(
        events_of(app, [event(0, value=2), event(1, value=3)]).key_by("key").aggregate(t=agg.sum("value"))
    )

    assert [(row.key, row.t) for row in rows] == [("a", 2), ("a", 5)]
    assert rows[0].__struct_fields__ == ("key", "t")


def test_a_running_result_never_drops_a_late_record() -> None:
    """Only windows treat a record as late."""
    app = App("job")

    rows = app.collect(events_of(app, [event(100), event(0)]).key_by("key").aggregate(n=agg.count()))

    assert [row.n for row in rows] == [1, 2]


def test_reduce_starts_with_the_first_value_as_it_is() -> None:
    """Then the function of the last result and each value; a result may be None."""
    app = App("job")
    stream = app.stream([1, 2, 3, 4]).key_by(lambda n: "all", name="key")

    results = app.collect(stream.reduce(lambda last, n: None if n == 2 else (last, n), name="odd"))

    assert results == [1, None, (None, 3), ((None, 3), 4)]


def length(word: str) -> int:
    return len(word)


def test_what_a_function_is_annotated_to_return_types_the_accumulators() -> None:
    """So they rest in state as plain values, which are read and written much faster than those beside their types."""
    folding = Folding("counted", [("n", agg.count()), ("letters", agg.sum(length)), ("longest", agg.max(length))])

    assert is_exact(folding.kind(str))
