"""The two ends of a channel as plain objects: credit, order, fencing, pace."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actorstream.actors.flow import NOTHING, Amount, Inlet, Outlet, Pace
from actorstream.actors.flow.amount import FIRST_WINDOW, LEAST_WINDOW, MOST_WINDOW, WINDOW_RECORDS
from actorstream.errors import ChannelBroken


def rows(count: int) -> Amount:
    """The weight of so many records of a byte each."""
    return Amount(count, count)


def drain(outlet: Outlet[Any]) -> list[Any]:
    """All that may go now."""
    gone = []
    while (going := outlet.take()) is not None:
        gone.append(going.element)
    return gone


# --- the sending end -------------------------------------------------------------------------------------------------


def test_nothing_goes_before_the_receiver_is_ready() -> None:
    """Not even what needs no credit."""
    outlet: Outlet[str] = Outlet()
    outlet.offer("batch", rows(1))
    outlet.offer("mark")
    assert (drain(outlet), outlet.is_waiting) == ([], True)

    outlet.open(FIRST_WINDOW)

    assert (drain(outlet), outlet.is_waiting) == (["batch", "mark"], False)


def test_what_waits_for_credit_is_overtaken_by_nothing() -> None:
    """A mark needs no credit, but keeps its place."""
    outlet: Outlet[str] = Outlet()
    outlet.open(rows(100))
    outlet.offer("first", rows(90))
    outlet.offer("second", rows(20))
    outlet.offer("mark")
    assert drain(outlet) == ["first"]

    outlet.credit(0, rows(109))
    assert drain(outlet) == []
    outlet.credit(0, rows(110))

    assert drain(outlet) == ["second", "mark"]


def test_one_element_larger_than_the_window_goes_when_all_before_it_was_taken() -> None:
    """And nothing follows until there is credit again."""
    outlet: Outlet[str] = Outlet()
    outlet.open(rows(100))
    for name, size in (("small", 1), ("large", 250), ("next", 1)):
        outlet.offer(name, rows(size))
    assert drain(outlet) == ["small"]

    outlet.credit(1, rows(101))
    assert drain(outlet) == ["large"]
    outlet.credit(1, rows(250))
    assert drain(outlet) == []
    outlet.credit(2, rows(351))

    assert drain(outlet) == ["next"]


def test_credit_that_comes_late_takes_nothing_back() -> None:
    """Limits only rise."""
    outlet: Outlet[str] = Outlet()
    outlet.open(rows(10))
    outlet.offer("one", rows(5))
    drain(outlet)
    outlet.credit(1, rows(20))
    outlet.credit(0, rows(12))
    outlet.offer("two", rows(15))

    assert drain(outlet) == ["two"]


def test_a_lane_is_full_when_a_window_waits() -> None:
    """Then its actor takes no more input."""
    outlet: Outlet[str] = Outlet(lane=rows(10))
    outlet.offer("nine", rows(9))
    assert not outlet.is_full

    outlet.offer("one", rows(1))

    assert outlet.is_full


# --- the receiving end -----------------------------------------------------------------------------------------------


def test_credit_comes_back_when_something_is_taken_and_not_when_it_arrives() -> None:
    """Or a slow receiver would be sent more and more."""
    inlet: Inlet[str] = Inlet("c")
    inlet.open(1)
    inlet.put(1, 0, "half", rows(WINDOW_RECORDS // 2))
    inlet.put(1, 1, "half", rows(WINDOW_RECORDS // 2))
    assert inlet.grant() is None

    inlet.take(0)

    grant = inlet.grant()
    assert grant is not None
    assert (grant.taken, grant.limit.records) == (1, WINDOW_RECORDS * 3 // 2)


def test_credit_is_renewed_at_half_a_window() -> None:
    """Many small batches need few words about credit."""
    inlet: Inlet[int] = Inlet("c")
    inlet.open(1)
    for number in range(64):
        inlet.put(1, number, number, rows(WINDOW_RECORDS // 64))

    grants = []
    for number in range(63):
        inlet.take(number * 50_000 // 64)
        grants.append(inlet.grant())

    assert [grant.taken for grant in grants if grant is not None] == [32]


def test_credit_is_renewed_when_nothing_is_left() -> None:
    """Someone with an element larger than what is left may wait for it."""
    inlet: Inlet[str] = Inlet("c")
    inlet.open(1)
    inlet.put(1, 0, "one", rows(1))
    inlet.take(0)

    grant = inlet.grant()

    assert grant is not None
    assert grant.taken == 1
    assert inlet.grant() is None


@pytest.mark.parametrize(("epoch", "sequence"), [(3, 0), (2, 1), (2, 3)])
def test_a_higher_epoch_a_gap_or_a_repetition_breaks_the_channel(epoch: int, sequence: int) -> None:
    """It is not the channel that was opened."""
    inlet: Inlet[str] = Inlet("c")
    inlet.open(2)
    inlet.put(2, 0, "a", NOTHING)
    inlet.put(2, 1, "b", NOTHING)

    with pytest.raises(ChannelBroken):
        inlet.put(epoch, sequence, "c", NOTHING)


def test_a_lower_epoch_is_dropped() -> None:
    """It is late, whatever its sequence."""
    inlet: Inlet[str] = Inlet("c")
    inlet.open(2)

    assert not inlet.put(1, 7, "late", NOTHING)
    assert len(inlet) == 0


# --- pace ------------------------------------------------------------------------------------------------------------


@given(
    batch=st.integers(1, 50_000),
    size=st.integers(1, 60),
    step_us=st.integers(2_000, 60_000),
    horizon_ms=st.sampled_from([10, 25, 50]),
)
def test_the_window_becomes_what_is_taken_within_the_horizon(
    batch: int, size: int, step_us: int, horizon_ms: int
) -> None:
    """Whatever the batches are, once two seconds have passed."""
    pace = Pace(horizon_ms * 1_000)
    for now_us in range(0, 2_000_000, step_us):
        pace.took(Amount(batch, batch * size), now_us)

    wanted = batch / step_us * horizon_ms * 1_000
    records, size_bytes = pace.window()
    assert records == pytest.approx(min(max(wanted, LEAST_WINDOW.records), MOST_WINDOW.records), rel=0.05, abs=1)
    assert size_bytes == pytest.approx(
        min(max(wanted * size, LEAST_WINDOW.size_bytes), MOST_WINDOW.size_bytes), rel=0.05, abs=1
    )


def test_time_without_anything_to_take_does_not_count() -> None:
    """A receiver that waits for its sender is not slow."""
    pace = Pace(50_000)
    for number in range(1_000):
        pace.took(rows(1_000), number * 1_000_000)
        pace.rested(number * 1_000_000 + 1_000)

    assert pace.window().records == pytest.approx(50_000, rel=0.01)


def test_a_window_follows_a_receiver_that_becomes_slow() -> None:
    """By granting nothing until it is small enough."""
    inlet: Inlet[int] = Inlet("c")
    inlet.open(1)
    now_us, limit = 0, FIRST_WINDOW
    for number in range(40):
        inlet.put(1, number, number, rows(1_000))
        inlet.take(now_us)
        now_us += 1_000_000
        inlet.rest(now_us)
        grant = inlet.grant()
        limit = limit if grant is None else grant.limit

    assert limit.records - 40_000 == LEAST_WINDOW.records
    assert inlet.window == Amount(LEAST_WINDOW.records, LEAST_WINDOW.size_bytes)


# --- both ends -------------------------------------------------------------------------------------------------------


class Channel(RuleBasedStateMachine):
    """An outlet, an inlet, and two slow wires between them; the receiver takes when it likes, as fast as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.outlet: Outlet[int] = Outlet()
        self.inlet: Inlet[int] = Inlet("c")
        self.outlet.open(self.inlet.open(1))
        self.data: deque[Any] = deque()
        self.credits: deque[Any] = deque()
        self.weights: list[Amount] = []
        self.sent = self.taken = 0
        self.now_us = 0
        self.greatest = FIRST_WINDOW

    @rule(records=st.integers(0, 3 * WINDOW_RECORDS), size=st.integers(0, 200))
    def offer(self, records: int, size: int) -> None:
        self.outlet.offer(len(self.weights), Amount(records, records * size))
        self.weights.append(Amount(records, records * size))
        self._pump()

    @precondition(lambda self: self.data)
    @rule()
    def arrive(self) -> None:
        going = self.data.popleft()
        assert self.inlet.put(1, going.sequence, going.element, going.weight)

    @precondition(lambda self: len(self.inlet))
    @rule(after_us=st.integers(0, 100_000))
    def take(self, after_us: int) -> None:
        self.now_us += after_us
        element, weight = self.inlet.take(self.now_us)
        assert (element, weight) == (self.taken, self.weights[self.taken])
        self.taken += 1
        if weight != NOTHING:
            self._grant()  # Marks are taken without a word.

    @precondition(lambda self: not len(self.inlet))
    @rule(after_us=st.integers(0, 100_000))
    def rest(self, after_us: int) -> None:
        self.now_us += after_us
        self.inlet.rest(self.now_us)

    @precondition(lambda self: self.credits)
    @rule()
    def credit(self) -> None:
        grant = self.credits.popleft()
        self.outlet.credit(grant.taken, grant.limit)
        self._pump()

    @invariant()
    def never_more_on_its_way_than_the_window(self) -> None:
        under_way = [one for one in self.weights[self.taken : self.sent] if one != NOTHING]
        total = Amount(sum(one.records for one in under_way), sum(one.size_bytes for one in under_way))
        assert total.fits(self.greatest) or len(under_way) == 1

    @invariant()
    def someone_can_go_on(self) -> None:
        assert not self.outlet.is_waiting or self.data or self.credits or len(self.inlet)

    def teardown(self) -> None:
        """Everything arrives."""
        while self.data or self.credits or len(self.inlet):
            while self.data:
                self.arrive()
            if len(self.inlet):
                self.take(1)
            while self.credits:
                self.credit()
        assert self.taken == len(self.weights)

    def _pump(self) -> None:
        while (going := self.outlet.take()) is not None:
            self.data.append(going)
            self.sent += 1

    def _grant(self) -> None:
        window = self.inlet.window
        self.greatest = Amount(
            max(self.greatest.records, window.records), max(self.greatest.size_bytes, window.size_bytes)
        )
        grant = self.inlet.grant()
        if grant is not None:
            self.credits.append(grant)


TestChannel = Channel.TestCase
