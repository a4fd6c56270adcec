"""The events: the same from the same seed, in the known proportions, and nothing refers to what is not there."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks.nexmark.generator import Frames, Generator, delayed, out_of_order

FRAMES = Generator().frames(50_000)


def test_proportions() -> None:
    """Of fifty events one is a person, three are auctions, 46 are bids."""
    assert [len(frame) for frame in FRAMES] == [1_000, 3_000, 46_000]


def test_any_stretch_of_events_can_be_made_by_itself() -> None:
    """Events [20,000, 30,000) are the same, made alone or among others; another seed gives others."""
    alone = Generator().frames(10_000, first=20_000)
    other = Generator(seed=2).frames(50_000)

    for whole, part in zip(FRAMES, alone, strict=True):
        assert_frame_equal(whole.slice(len(whole) * 2 // 5, len(part)), part)
    assert not FRAMES.bids.equals(other.bids)


def test_a_few_are_hot() -> None:
    """Half of all bids are on hot auctions, three quarters of them by hot bidders; so are auctions by hot sellers."""
    of_hot_auctions = (FRAMES.bids["auction"] % 100 == 0).mean()
    by_hot_bidders = (FRAMES.bids["bidder"] % 100 == 1).mean()
    of_hot_sellers = (FRAMES.auctions["seller"] % 100 == 0).mean()

    assert of_hot_auctions == pytest.approx(0.5, abs=0.05)
    assert by_hot_bidders == pytest.approx(0.75, abs=0.05)
    assert of_hot_sellers == pytest.approx(0.75, abs=0.05)


def first_seen(frame: pl.DataFrame, what: str) -> dict[int, object]:
    return dict(frame.select(what, "at").group_by(what).agg(pl.col("at").min()).iter_rows())


def test_whatever_is_referred_to_came_before() -> None:
    """Sellers, bidders and auctions are there before anybody refers to them."""
    persons = dict(FRAMES.persons.select("id", "at").iter_rows())
    auctions = dict(FRAMES.auctions.select("id", "at").iter_rows())

    for frame, what, known in (
        (FRAMES.auctions, "seller", persons),
        (FRAMES.bids, "bidder", persons),
        (FRAMES.bids, "auction", auctions),
    ):
        assert all(known[one] < at for one, at in first_seen(frame, what).items())


def test_times_are_in_order_at_the_rate() -> None:
    """No two events have the same time, and all are one interval apart."""
    times = pl.concat([frame["at"] for frame in FRAMES]).sort()

    assert set(times.diff().drop_nulls()) == {timedelta(microseconds=100)}
    assert all(frame["at"].is_sorted() for frame in FRAMES)


def test_disorder_keeps_every_event_and_its_bound() -> None:
    """Events out of order are the same events, none behind a later one by as much as the bound."""
    bound = timedelta(seconds=1)

    mixed = Frames(*(out_of_order(frame, bound, seed) for seed, frame in enumerate(FRAMES)))

    for frame, other in zip(FRAMES, mixed, strict=True):
        assert_frame_equal(frame, other.sort("at"))
        assert not other["at"].is_sorted()
        behind = other["at"].cum_max() - other["at"]
        assert behind.max() < bound


def test_some_events_can_be_delayed_and_the_others_not() -> None:
    """One in ten comes up to a minute late."""
    late = delayed(FRAMES.bids, timedelta(minutes=1), 1, one_in=10)

    behind = (late["at"].cum_max() - late["at"]) > timedelta(seconds=1)

    assert behind.mean() == pytest.approx(0.1, abs=0.05)


def test_a_rate_that_gives_no_whole_microseconds_is_refused() -> None:
    """Times are whole microseconds apart."""
    with pytest.raises(ValueError, match="divisor of 1000000"):
        Generator(events_per_second=3)
