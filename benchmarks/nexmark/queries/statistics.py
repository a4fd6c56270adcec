"""q17: many aggregates of one group."""

from __future__ import annotations

from datetime import datetime

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


RANKS = """
    count(*) AS bids, count(*) FILTER (price < 10000), count(*) FILTER (price >= 10000 AND price < 1000000),
    count(*) FILTER (price >= 1000000)
"""

QUERIES = [
    Query(
        "q17",
        "each auction's day",
        auction_days,
        AuctionDay,
        f"""
        SELECT auction, floor_to(moment, 86400), {RANKS}, min(price), max(price), avg(price), sum(price)
        FROM bid WHERE floor_to(moment, 86400) + INTERVAL 1 DAY > own GROUP BY auction, floor_to(moment, 86400)
        """,
    ),
]
