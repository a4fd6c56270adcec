"""q15, q16, q17: many aggregates of one group."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from actorstream import Record, agg, tumbling
from actorstream.streams.stream import Stream
from benchmarks.nexmark.model import Bid
from benchmarks.nexmark.query import Inputs, Query

LOW, MIDDLE = 10_000, 1_000_000
"""Where the three ranks of prices part."""


def is_low(bid: Bid) -> int:
    """1 for the lowest rank."""
    return int(bid.price < LOW)


def is_middle(bid: Bid) -> int:
    """1 for the middle rank."""
    return int(LOW <= bid.price < MIDDLE)


def is_high(bid: Bid) -> int:
    """1 for the highest rank."""
    return int(bid.price >= MIDDLE)


def bidder_if(is_rank: Callable[[Bid], int]) -> Callable[[Bid], int | None]:
    """The bidder, if the bid has the rank; None is not counted."""
    return lambda bid: bid.bidder if is_rank(bid) else None


def auction_if(is_rank: Callable[[Bid], int]) -> Callable[[Bid], int | None]:
    """The auction, if the bid has the rank."""
    return lambda bid: bid.auction if is_rank(bid) else None


def ranked() -> dict[str, Any]:
    """How many bids, bidders and auctions there are: all, and of each rank."""
    return {
        "bids": agg.count(),
        "low_bids": agg.sum(is_low),
        "middle_bids": agg.sum(is_middle),
        "high_bids": agg.sum(is_high),
        "bidders": agg.distinct("bidder"),
        "low_bidders": agg.distinct(bidder_if(is_low)),
        "middle_bidders": agg.distinct(bidder_if(is_middle)),
        "high_bidders": agg.distinct(bidder_if(is_high)),
        "auctions": agg.distinct("auction"),
        "low_auctions": agg.distinct(auction_if(is_low)),
        "middle_auctions": agg.distinct(auction_if(is_middle)),
        "high_auctions": agg.distinct(auction_if(is_high)),
    }


class Day(Record):
    start: datetime
    bids: int
    low_bids: int
    middle_bids: int
    high_bids: int
    bidders: int
    low_bidders: int
    middle_bidders: int
    high_bidders: int
    auctions: int
    low_auctions: int
    middle_auctions: int
    high_auctions: int


def everything(bid: Bid) -> None:
    """One key for all."""


def days(inputs: Inputs) -> Stream[Day]:
    """q15: all bids of a day; the reference updates its answer, here it comes when the day is over."""
    return inputs.bids.key_by(everything).window(tumbling("1d")).aggregate(Day, name="day", **ranked())


class ChannelDay(Day):
    channel: str
    last_minute: str


def minute(bid: Bid) -> str:
    """The hour and minute of a bid."""
    return f"{bid.at:%H:%M}"


def channel_days(inputs: Inputs) -> Stream[ChannelDay]:
    """q16: the same for each channel, and the minute of its last bid."""
    window = inputs.bids.key_by("channel").window(tumbling("1d"))
    aggregates = ranked() | {"last_minute": agg.max(minute)}
    return window.aggregate(ChannelDay, name="channel_day", **aggregates)


class AuctionDay(Record):
    auction: int
    start: datetime
    bids: int
    low: int
    middle: int
    high: int
    least: int
    most: int
    mean: float
    total: int


def auction_days(inputs: Inputs) -> Stream[AuctionDay]:
    """q17: each auction's bids of a day; the reference updates its answer, here it comes when the day is over."""
    return (
        inputs.bids.key_by("auction")
        .window(tumbling("1d"))
        .aggregate(
            AuctionDay,
            name="auction_day",
            bids=agg.count(),
            low=agg.sum(is_low),
            middle=agg.sum(is_middle),
            high=agg.sum(is_high),
            least=agg.min("price"),
            most=agg.max("price"),
            mean=agg.mean("price"),
            total=agg.sum("price"),
        )
    )


LOW_ONES, MIDDLE_ONES, HIGH_ONES = "price < 10000", "price >= 10000 AND price < 1000000", "price >= 1000000"
BIDS = ", ".join(f"count(*) FILTER ({rank})" for rank in ("true", LOW_ONES, MIDDLE_ONES, HIGH_ONES))
RANKED = ", ".join(
    f"count({what}) FILTER ({rank})"
    for what in ("*", "DISTINCT bidder", "DISTINCT auction")
    for rank in ("true", LOW_ONES, MIDDLE_ONES, HIGH_ONES)
)
IN_TIME = "floor_to(moment, 86400) + INTERVAL 1 DAY > own"

QUERIES = [
    Query(
        "q15",
        "all bids of a day",
        days,
        Day,
        f"SELECT floor_to(moment, 86400), {RANKED} FROM bid WHERE {IN_TIME} GROUP BY floor_to(moment, 86400)",
    ),
    Query(
        "q16",
        "each channel's day",
        channel_days,
        ChannelDay,
        f"""
        SELECT floor_to(moment, 86400), {RANKED}, channel, max(strftime(moment, '%H:%M'))
        FROM bid WHERE {IN_TIME} GROUP BY channel, floor_to(moment, 86400)
        """,
    ),
    Query(
        "q17",
        "each auction's day",
        auction_days,
        AuctionDay,
        f"""
        SELECT auction, floor_to(moment, 86400), {BIDS}, min(price), max(price), avg(price), sum(price)
        FROM bid WHERE {IN_TIME} GROUP BY auction, floor_to(moment, 86400)
        """,
    ),
]
