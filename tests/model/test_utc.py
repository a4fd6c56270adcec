"""Every datetime that enters is aware and in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actorstream.model.record import Record
from actorstream.model.utc import as_utc, to_utc

NOON = datetime(2013, 1, 1, 12)


class Flight(Record):
    """A time, perhaps a second one, and some more inside."""

    at: datetime
    landed: datetime | None = None
    stops: list[datetime] = msgspec.field(default_factory=list)
    day: date = date(2013, 1, 1)


class Leg(Record):
    """A Record in a Record, and one of its own kind."""

    flight: Flight
    after: Leg | None = None


def test_times_in_utc_change_nothing():
    """Rows that are in UTC come back as the same list."""
    rows = msgspec.json.decode(b'[{"at":"2013-01-01T12:00:00Z"},{"at":"2013-01-01T12:00:00+00:00"}]', type=list[Flight])

    assert as_utc(rows, Flight) == rows
    assert [row is old for row, old in zip(as_utc(rows, Flight), rows, strict=True)] == [True, True]


def test_a_naive_time_is_read_as_utc():
    """In a field, in an optional field, and in a list."""
    row = Flight(NOON, landed=NOON, stops=[NOON])

    (fixed,) = as_utc([row], Flight)

    noon = NOON.replace(tzinfo=UTC)
    assert fixed == Flight(noon, landed=noon, stops=[noon])


def test_another_zone_becomes_utc():
    """The moment stays the same, the zone becomes UTC."""
    there = NOON.replace(tzinfo=timezone(timedelta(hours=2)))

    (fixed,) = as_utc([Flight(there)], Flight)

    assert fixed.at == there
    assert fixed.at.tzinfo is UTC


def test_records_inside_records_are_fixed_too():
    """Also where a Record type holds itself."""
    (fixed,) = as_utc([Leg(Flight(NOON), after=Leg(Flight(NOON)))], Leg)

    assert fixed.flight.at.tzinfo is UTC
    assert fixed.after is not None
    assert fixed.after.flight.at.tzinfo is UTC


def test_values_without_times_are_not_looked_at():
    """The very same list comes back."""
    rows = [1, 2]

    assert as_utc(rows, int) is rows
    assert as_utc(rows, dict[str, int]) is rows


@given(st.lists(st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=-7))]))))
def test_each_time_is_the_same_moment(times: list[datetime]):
    """`as_utc` of many is `to_utc` of each."""
    times = [time for time in times if 1 < time.year < 9999]

    assert as_utc(times, datetime) == [to_utc(time) for time in times]
    assert all(time.tzinfo is UTC for time in as_utc(times, datetime))
