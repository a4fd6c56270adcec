"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actorstream.model.duration import BadDuration, duration_us, show_us


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("250ms", 250_000),
        ("10s", 10_000_000),
        ("5m", 300_000_000),
        ("1h", 3_600_000_000),
        ("2d", 172_800_000_000),
        ("1.5s", 1_500_000),
        ("0.001ms", 1),
        (timedelta(seconds=3), 3_000_000),
        ("1000000d", 86_400_000_000_000_000),
    ],
)
def test_a_number_with_a_unit_is_a_duration(text: Any, length: int) -> None:
    """In microseconds inside."""
    assert duration_us(text) == length


BAD: list[Any] = [
    *("", "s", "10", "10x", "-1s", "+1s", "1 s", " 1s", "1s ", "1S", "1e3s", ".5s", "1.s", "\u0661s", "1_0s", "1s\n"),
    *("0s", "0.0001ms", "9" * 400 + "s", "1000001d", "1." + "0" * 400 + "s"),
    *(10, 1.5, True, None, b"1s", timedelta(0), timedelta(-1), timedelta.max),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: repr(bad)[:20])
def test_anything_else_is_refused_with_examples(bad: Any) -> None:
    """A ValueError that says what it was for, and what was given."""
    with pytest.raises(BadDuration, match=r"the wait is .*; write it as one of \"250ms\", \"10s\", \"5m\"") as raised:
        duration_us(bad, what="the wait")

    assert isinstance(raised.value, ValueError)
    assert raised.value.exit_status == 2


def test_nothing_is_a_duration_where_it_makes_sense() -> None:
    """A delay of zero."""
    assert duration_us("0s", zero=True) == duration_us(timedelta(0), zero=True) == 0


@example(length=72_057_594_037_929_000)
@given(length=st.integers(0, 10**15).map(lambda ms: ms * 1000))
def test_what_is_shown_is_read_again(length: int) -> None:
    """As long as it is whole milliseconds."""
    if length < 86_400_000_000_000_000:
        assert duration_us(show_us(length), zero=True) == length


@pytest.mark.parametrize(
    ("length", "shown"),
    [(0, "0ms"), (250_000, "250ms"), (90_000_000, "90s"), (60_000_000, "1m"), (86_400_000_000, "1d"), (1_500, "1.5ms")],
)
def test_a_length_is_shown_in_its_largest_whole_unit(length: int, shown: str) -> None:
    """As a person would write it."""
    assert show_us(length) == shown
