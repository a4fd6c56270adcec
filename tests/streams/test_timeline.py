"""Event time of one split: what its records' times and marks are, and when silence counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream import Record
from actorstream.errors import OperatorError
from actorstream.model.instant import START_OF_TIME
from actorstream.streams.engine.batch import Batch, Origin, as_list
from actorstream.streams.engine.timeline import Timeline
from actorstream.streams.job.idleness import LEARNED_MAX_US, LEARNED_MIN_US, Idleness
from actorstream.streams.plan.nodes import Source
from tests.streams.makers import us

ORIGIN = Origin("readings", "readings", 3)


class Reading(Record):
    """A record with times of several types."""

    at: datetime | None
    day: date = date(1970, 1, 2)
    number: int = 0


def timeline(by: Any, delay: float = 0.0) -> Timeline:
    """The time of a split."""
    return Timeline(Source(name="readings", event_time=by, max_delay_us=us(delay), type=Reading), ORIGIN)


def moment(second: float) -> datetime:
    """A time, in seconds from 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)


def stamped(line: Timeline, seconds: list[float], *, columnar: bool = False) -> Batch:
    """A batch of readings at these seconds, stamped."""
    rows = [Reading(moment(second)) for second in seconds]
    batch = Batch(rows, kind=Reading, origin=ORIGIN, offsets=range(len(rows)))
    if columnar:
        batch = Batch(frame=batch.frame(), kind=Reading, origin=ORIGIN, offsets=range(len(rows)))
    line.stamp(batch, None)
    return batch


@pytest.mark.parametrize("columnar", [False, True])
def test_a_mark_is_the_latest_time_so_far_less_the_delay(columnar: bool) -> None:
    """The record's own time included; over batches, too."""
    line = timeline("at", 2)

    first = stamped(line, [5, 3, 9], columnar=columnar)
    second = stamped(line, [7], columnar=columnar)

    assert as_list(first.times) == [us(5), us(3), us(9)]
    assert as_list(first.marks) == as_list(first.own) == [us(3), us(3), us(7)]
    assert as_list(second.marks) == [us(7)]
    assert (line.latest, line.watermark) == (us(9), us(7))


@given(seconds=st.lists(st.integers(-50, 50), min_size=1), cut=st.integers(0, 50), columnar=st.booleans())
def test_where_batches_begin_makes_no_difference(seconds: list[int], cut: int, columnar: bool) -> None:
    """Nor whether they come as rows or columns."""
    whole = as_list(stamped(timeline("at", 3), [float(second) for second in seconds]).marks)
    line, parts = timeline("at", 3), []

    for part in (seconds[:cut], seconds[cut:]):
        if part:
            parts += as_list(stamped(line, [float(second) for second in part], columnar=columnar).marks)

    assert parts == whole


@pytest.mark.parametrize("by", ["at", "day", "number", lambda one: one.at, lambda one: one.day])
@pytest.mark.parametrize("columnar", [False, True])
def test_an_event_time_is_a_datetime_a_date_or_microseconds(by: Any, columnar: bool) -> None:
    """A field's, or a function's."""
    batch = Batch([Reading(moment(86_400), number=us(86_400))], kind=Reading, origin=ORIGIN)
    if columnar:
        batch = Batch(frame=batch.frame(), kind=Reading, origin=ORIGIN)

    timeline(by).stamp(batch, None)

    assert as_list(batch.times) == [us(86_400)]


def test_without_an_event_time_the_logs_timestamps_count() -> None:
    """And without those there is none."""
    logged, none = Batch(["a"]), Batch(["a"])

    timeline(None).stamp(logged, [us(7)])
    timeline(None).stamp(none, None)

    assert (logged.times, logged.own) == ([us(7)], [us(7)])
    assert (none.times, none.own, none.marks) == (None, None, None)


@pytest.mark.parametrize("columnar", [False, True])
@pytest.mark.parametrize("by", ["at", lambda one: one.at], ids=["field", "function"])
def test_a_record_without_a_time_is_named(by: Any, columnar: bool) -> None:
    """With its topic, partition and offset."""
    rows = [Reading(moment(1)), Reading(None, number=7)]
    batch = Batch(rows, kind=Reading, origin=ORIGIN, offsets=[40, 41])
    if columnar:
        batch = Batch(frame=batch.frame(), kind=Reading, origin=ORIGIN, offsets=[40, 41])

    with pytest.raises(
        OperatorError, match=r"'readings' failed on Reading\(at=None.*readings-3 at offset 41: .*no event"
    ):
        timeline(by).stamp(batch, None)


def test_a_missing_field_is_named() -> None:
    """Values of no known type are looked at when they come."""
    line = Timeline(Source(name="readings", event_time="at"), ORIGIN)

    with pytest.raises(OperatorError, match=r"'readings' failed on {'when': 1}.*KeyError: 'at'"):
        line.stamp(Batch([{"when": 1}], origin=ORIGIN, offsets=[0]), None)


def test_before_the_first_record_time_has_not_begun() -> None:
    """And an empty batch changes nothing."""
    line = timeline("at", 5)

    line.stamp(Batch([]), None)

    assert line.watermark == START_OF_TIME


def test_columns_of_other_zones_and_units_are_the_same_moments() -> None:
    """A frame may come from anywhere."""
    frame = pl.DataFrame({"at": [moment(5)]}).with_columns(
        pl.col("at").dt.convert_time_zone("Asia/Tokyo").dt.cast_time_unit("ns")
    )
    batch = Batch(frame=frame, kind=Reading, origin=ORIGIN)

    timeline("at").stamp(batch, None)

    assert as_list(batch.times) == [us(5)]


# --- idleness --------------------------------------------------------------------------------------------------------


def test_silence_must_last() -> None:
    """From the last record, for as long as was asked."""
    idleness = Idleness(us(10))
    idleness.arrived(us(100))

    assert [idleness.is_idle(us(second)) for second in (105, 109.999, 110, 120)] == [False, False, True, True]
    assert idleness.since == us(110)


def test_silence_before_the_first_record_counts_from_the_first_look() -> None:
    """An empty partition holds nothing back for ever."""
    idleness = Idleness(us(10))

    assert [idleness.is_idle(us(second)) for second in (100, 109, 110)] == [False, False, True]


def test_the_patience_is_learned_from_the_pauses_between_records() -> None:
    """Ten times the usual one, within bounds."""
    quick, slow, usual = Idleness(None), Idleness(None), Idleness(None)
    assert quick.patience_us() == LEARNED_MIN_US

    for number in range(200):
        quick.arrived(number * 1_000)
        slow.arrived(number * us(1_000))
        usual.arrived(number * us(1))

    assert (quick.patience_us(), slow.patience_us()) == (LEARNED_MIN_US, LEARNED_MAX_US)
    assert usual.patience_us() == pytest.approx(us(10), rel=0.01)


def test_an_idle_splits_time_goes_on_with_the_clock() -> None:
    """From where it was; one that never had a record has none."""
    idleness = Idleness(us(10))
    idleness.arrived(us(100))
    assert idleness.watermark(us(7)) == us(7)

    idleness.is_idle(us(110))
    idleness.is_idle(us(113))

    assert (idleness.watermark(us(7)), idleness.watermark(START_OF_TIME)) == (us(10), START_OF_TIME)


def test_a_record_ends_idleness() -> None:
    """It is said once that the split is back; the silence does not count as a pause."""
    idleness = Idleness(us(10))
    for second in (0, 1, 2):
        idleness.arrived(us(second))
    idleness.is_idle(us(50))

    idleness.arrived(us(51))

    assert idleness.since is None
    assert (idleness.was_idle(), idleness.was_idle()) == (True, False)
    assert not idleness.is_idle(us(60))


def test_a_new_epoch_forgets_the_silence() -> None:
    """What happened while nobody asked says nothing."""
    idleness = Idleness(us(10))
    idleness.arrived(us(0))
    idleness.is_idle(us(20))

    idleness.begin()

    assert not idleness.is_idle(us(1_000))
