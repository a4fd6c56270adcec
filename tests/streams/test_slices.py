"""Batches that take long are pushed in slices."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actorstream.streams.engine.batch import Batch
from actorstream.streams.job.slices import SLICE_US, Slices


class Clock:
    """Each record takes so long."""

    def __init__(self, record_us: int) -> None:
        self.now_us = 0
        self.record_us = record_us
        self.slices: list[list[int]] = []

    def push(self, batch: Batch) -> None:
        self.slices.append(list(batch.rows()))
        self.now_us += self.record_us * len(batch)


def batch_of(rows: list[int]) -> Batch:
    return Batch(rows, times=[0] * len(rows))


def run(slices: Slices, clock: Clock, rows: list[int]) -> None:
    slices.begin(batch_of(rows), clock.push)
    slices.push_next(lambda: clock.now_us)
    while slices.is_under_way:
        slices.push_next(lambda: clock.now_us)


def test_quick_records_are_not_cut() -> None:
    """A batch that takes no longer than two slices is pushed whole."""
    slices, clock = Slices(1 << 16), Clock(record_us=4)

    for _ in range(3):
        run(slices, clock, list(range(2_000)))

    assert [len(rows) for rows in clock.slices] == [2_000] * 3


def test_slow_records_are_cut_once_that_is_known() -> None:
    """The second batch of a function that takes a millisecond is pushed in slices of five."""
    slices, clock = Slices(1 << 16), Clock(record_us=300)
    run(slices, clock, list(range(100)))

    run(slices, clock, list(range(100)))

    assert max(len(rows) for rows in clock.slices[1:]) * 300 <= SLICE_US


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 2_000))))
def test_nothing_is_lost_or_out_of_order(batches: list[tuple[int, int]]) -> None:
    """Whatever records take, each is pushed once, in order."""
    slices, clock = Slices(1 << 16), Clock(0)

    for count, record_us in batches:
        clock.record_us = record_us
        clock.slices.clear()
        run(slices, clock, list(range(count)))
        assert [row for rows in clock.slices for row in rows] == list(range(count))
