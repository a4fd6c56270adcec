"""How often, and after which pause."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.actors.restarts import Pauses, Restarts
from actorstream.actors.specification import Backoff, Intensity
from actorstream.host import Entropy


def test_one_restart_too_many_is_refused() -> None:
    """Within the window only so many are allowed; when old ones have left it, new ones are."""
    restarts = Restarts(Intensity(restarts=2, within_us=100))

    assert [restarts.allow(now_us) for now_us in (0, 50, 99, 170, 260)] == [True, True, False, True, True]


def test_the_pause_doubles_up_to_the_longest() -> None:
    """Without jitter: 100, 200, 400, and never more than the longest."""
    pauses = Pauses(Backoff(100, 350, jitter=0.0))

    assert [pauses.next_us(0, Entropy(1)) for _ in range(4)] == [100, 200, 350, 350]


def test_a_child_that_ran_well_begins_with_the_shortest_pause_again() -> None:
    """After running for twice the longest pause, a failure counts as the first."""
    pauses = Pauses(Backoff(100, 1_000, jitter=0.0))

    assert [pauses.next_us(now_us, Entropy(1)) for now_us in (0, 200, 3_000)] == [100, 200, 100]


@given(st.integers(0, 2**64), st.integers(0, 10**6), st.integers(0, 10**12), st.floats(0, 1))
def test_the_pause_is_within_its_bounds(seed: int, low_us: int, more_us: int, jitter: float) -> None:
    """Jitter only shortens, and by no more than its part."""
    backoff = Backoff(low_us, low_us + more_us, jitter)
    pauses, entropy = Pauses(backoff), Entropy(seed)

    for _ in range(5):
        pause_us = pauses.next_us(0, entropy)
        assert int(low_us * (1 - jitter)) <= pause_us <= backoff.max_us


@pytest.mark.parametrize("text", ["", "5s..1s", "..5s", "soon", "-1s"])
def test_a_backoff_that_makes_no_sense_is_refused(text: str) -> None:
    """Only durations, the shorter first."""
    with pytest.raises(ValueError, match="backoff"):
        Backoff.parse(text)


def test_a_backoff_reads_as_it_is_written() -> None:
    """From the first pause to the longest, or one for both."""
    assert Backoff.parse("100ms..5s") == Backoff(100_000, 5_000_000)
    assert Backoff.parse("1s") == Backoff(1_000_000, 1_000_000)
