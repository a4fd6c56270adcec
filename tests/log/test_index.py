"""Indexes: where to begin, never where not to look."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from actorstream.log.index import OffsetIndex, TimeIndex

rising = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 500)), max_size=30)


@given(rising, st.integers(0, 2000))
def test_the_position_is_that_of_the_last_batch_that_may_hold_the_offset(steps, offset) -> None:
    """An entry says where the batch with that last offset begins; the one asked for is there or later."""
    index, entries, last, position = OffsetIndex(1000), [], 1000, 0
    for records, size in steps:
        last, position = last + records, position + size
        index.add(last, position)
        entries.append((last, position))

    found = index.position_before(1000 + offset)

    assert found == max((place for end, place in entries if end <= 1000 + offset), default=0)


@given(rising)
def test_an_offset_index_comes_back(steps) -> None:
    """Its file is Kafka's: pairs of int32, big-endian."""
    index, last, position = OffsetIndex(1000), 1000, 0
    for records, size in steps:
        last, position = last + records, position + size
        index.add(last, position)

    data = index.encode()
    again = OffsetIndex.decode(data, 1000, position + 1)

    assert again is not None
    assert again.encode() == data
    assert len(data) == 8 * len(steps)
    if steps:
        assert struct.unpack_from(">ii", data, len(data) - 8) == (last - 1000, position)


@given(rising, st.integers(-1, 4000))
def test_nothing_before_the_offset_of_a_time_is_that_new(steps, when) -> None:
    """All that lies before what a time index gives is older than asked."""
    index, times, now, offset = TimeIndex(1000), [], 0, 1000
    for records, later in steps:
        now, offset = now + later, offset + records
        index.add(now, offset)
        times.append((now, offset))

    found = index.offset_before(when)

    assert all(at >= found for time, at in times if time >= when)
    again = TimeIndex.decode(index.encode(), 1000)
    assert again is not None
    assert again.offset_before(when) == found


@given(st.binary(max_size=64))
def test_any_bytes_are_an_index_or_none(data) -> None:
    """What falls, or lies beyond the segment, is no index."""
    index, times = OffsetIndex.decode(data, 0, 1000), TimeIndex.decode(data, 0)

    assert index is None or index.position_before(2**31) < 1000
    assert times is None or len(times) * 12 == len(data)
