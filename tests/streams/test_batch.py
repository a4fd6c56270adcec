"""`Batch`: rows or columns, and what is known of each record."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from actorstream.streams.engine.batch import Batch, Origin, as_list, as_series
from tests.streams.makers import Event, event

EVENTS = [event(0, "a", 1), event(1, "b", 2), event(2, "c", 3)]


def made(*, columnar: bool, **options: Any) -> Batch:
    """The events as a batch, with columns beside them."""
    beside: dict[str, Any] = {"times": [0, 1, 2], "own": [5, 6, 7], "offsets": [10, 11, 12], **options}
    batch = Batch(EVENTS, kind=Event, origin=Origin("events", "events", 3), **beside)
    if not columnar:
        return batch
    return Batch(frame=batch.frame(), kind=Event, origin=batch.origin, **beside)


@pytest.mark.parametrize("columnar", [False, True])
def test_rows_and_columns_are_two_forms_of_the_same(columnar: bool) -> None:
    """Each is made once, when somebody asks."""
    batch = made(columnar=columnar)

    assert (len(batch), batch.is_columns) == (3, columnar)
    assert batch.rows() == EVENTS
    assert batch.frame()["value"].to_list() == [1, 2, 3]
    assert batch.rows() is batch.rows()
    assert batch.frame() is batch.frame()


def test_a_few_columns_are_enough_where_they_are() -> None:
    """A batch of rows does not become one of columns by it."""
    batch = made(columnar=False)

    assert batch.frame(["value"]).columns == ["value"]
    assert not batch.is_columns


@pytest.mark.parametrize("columnar", [False, True])
def test_chosen_records_bring_along_what_is_known_of_them(columnar: bool) -> None:
    """In the order asked for, repeated if asked for."""
    marks = [1, 2, 3]
    batch = made(columnar=columnar, marks=marks, keys=["x", "y", "z"])

    chosen = batch.choose([2, 0, 2])

    assert [one.key for one in chosen.rows()] == ["c", "a", "c"]
    assert (chosen.times, chosen.own, chosen.marks, chosen.offsets) == ([2, 0, 2], [7, 5, 7], [3, 1, 3], [12, 10, 12])
    assert (chosen.keys, chosen.origin, chosen.kind) == (["z", "x", "z"], batch.origin, Event)


def test_chosen_records_with_other_values_have_no_key() -> None:
    """It was the key of what they were."""
    batch = made(columnar=False, keys=["x", "y", "z"])

    chosen = batch.choose([1], ["other"], str)

    assert (chosen.rows(), chosen.kind, chosen.keys, chosen.times) == (["other"], str, None, [1])


def test_series_are_chosen_from_as_lists_are() -> None:
    """Columns come with Series beside them."""
    batch = Batch(
        frame=pl.DataFrame({"n": [1, 2, 3]}),
        times=pl.Series([0, 1, 2]),
        own=pl.Series([5, 6, 7]),
        offsets=pl.Series([10, 11, 12]),
    )

    chosen = batch.choose(pl.Series([2, 1]), frame=pl.DataFrame({"n": [3, 2]}))

    assert [as_list(column) for column in (chosen.times, chosen.own, chosen.offsets)] == [[2, 1], [7, 6], [12, 11]]


def test_marks_that_are_the_records_own_stay_so() -> None:
    """The common case costs nothing."""
    own = [5, 6, 7]
    batch = Batch(EVENTS, own=own, marks=own)

    assert batch.choose([0, 1]).marks == [5, 6]
    assert batch.choose([0, 1]).marks is not own
    chosen = batch.choose([0])
    assert chosen.marks is chosen.own


def test_marks_go_no_further_than_another_channel_is() -> None:
    """The records' own stay: lateness does not depend on the others."""
    own = [5, 6, 7]
    batch = Batch(EVENTS, own=own, marks=own, keys=["x", "y", "z"])

    below = batch.below(6)

    assert (below.marks, below.own, below.keys) == ([5, 6, 6], [5, 6, 7], ["x", "y", "z"])
    assert batch.marks == [5, 6, 7]
    assert batch.below(7) is batch
    assert Batch(EVENTS).below(0).marks is None


def test_other_values_for_the_same_records() -> None:
    """One for each; keys go, all else stays."""
    batch = made(columnar=False, keys=["x", "y", "z"])

    rows, frame = batch.with_rows([1, 2, 3], int), batch.with_frame(pl.DataFrame({"n": [1, 2, 3]}), Any)

    assert (rows.rows(), rows.kind, rows.keys, rows.offsets) == ([1, 2, 3], int, None, [10, 11, 12])
    assert (frame.frame()["n"].to_list(), frame.keys, frame.times) == ([1, 2, 3], None, [0, 1, 2])
    with pytest.raises(AssertionError):
        batch.with_rows([1])


def test_a_record_knows_where_it_came_from() -> None:
    """As far as anybody does."""
    assert made(columnar=False).place(1) == ("events", 3, 11)
    assert Batch(EVENTS, offsets=range(7, 10)).place(2) == (None, None, 9)
    assert Batch(EVENTS).place(0) == (None, None, None)


def test_where_no_offsets_are_kept_the_first_may_be_known() -> None:
    """Of a part that begins elsewhere it is not."""
    batch = Batch(EVENTS, first=7)

    assert [batch.place(index)[2] for index in range(3)] == [7, None, None]
    assert (batch.part(0, 2).place(0)[2], batch.part(1, 3).place(0)[2]) == (7, None)
    assert batch.with_rows([1, 2, 3]).place(0)[2] == 7
    assert batch.choose([1, 2]).place(0)[2] is None


def test_a_batch_says_about_how_large_it_is() -> None:
    """For flow control; more records are larger."""
    small, large = Batch([0]), Batch([0] * 100)

    assert 0 < small.size_bytes < large.size_bytes
    assert made(columnar=True).size_bytes > 0


def test_columns_of_numbers_have_two_forms_too() -> None:
    """A list, a range or a Series."""
    for numbers in ([1, 2], range(1, 3), pl.Series([1, 2])):
        assert as_list(numbers) == as_series(numbers).to_list() == [1, 2]
