"""q5, q7, q8, q11, q12: windows of event time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from actorstream import Record, Window, agg, session, sliding, tumbling
from actorstream.streams.stream import Stream
from benchmarks.nexmark.model import Bid
from benchmarks.nexmark.query import Inputs, Query


class HotItem(Record):
    auction: int
    start: datetime
    end: datetime
    bids: int


def hottest(window: Window[datetime, HotItem]) -> Iterator[HotItem]:
    """Those with the most bids."""
    most = max(item.bids for item in window)
    yield from (item for item in window if item.bids == most)


def hot_items(inputs: Inputs) -> Stream[HotItem]:
    """q5: the auctions with the most bids in the last ten seconds, every two seconds.

    A window's result lies in the last microsecond of the window, so all results that end together are in one window of
    two seconds.
    """
    bids = inputs.bids.key_by("auction").window(sliding("10s", every="2s"))
    counted = bids.aggregate(HotItem, name="bids_of_auction", bids=agg.count())
    return counted.key_by("end").window(tumbling("2s")).apply(hottest)


def highest(window: Window[Any, Bid]) -> Iterator[Bid]:
    """Those with the highest price."""
    most = max(bid.price for bid in window)
    yield from (bid for bid in window if bid.price == most)


def everything(bid: Bid) -> None:
    """One key for all."""


def highest_bids(inputs: Inputs) -> Stream[Bid]:
    """q7: the highest bids in every ten seconds: the highest of each auction, and of those the highest."""
    of_auctions = inputs.bids.key_by("auction").window(tumbling("10s")).apply(highest, name="highest_of_auction")
    return of_auctions.key_by(everything).window(tumbling("10s")).apply(highest, name="highest_of_all")


class NewSeller(Record):
    id: int
    name: str
    start: datetime


class Offering(Record):
    seller: int
    start: datetime
    auctions: int


def new_sellers(inputs: Inputs) -> Stream[NewSeller]:
    """q8: who came, and offered something in the same ten seconds."""
    tens = tumbling("10s")
    offered = inputs.auctions.key_by("seller").window(tens)
    offering = offered.aggregate(Offering, name="offering", auctions=agg.count()).key_by("seller").window(tens)
    return inputs.persons.key_by("id").window(tens).join(offering, into=NewSeller, name="new_sellers")


class BidderCount(Record):
    bidder: int
    start: datetime
    end: datetime
    bids: int


def bids_of_bidders(inputs: Inputs) -> Stream[BidderCount]:
    """q12: the bids of each bidder in every ten seconds; the reference takes the seconds of the machine's clock."""
    window = inputs.bids.key_by("bidder").window(tumbling("10s"))
    return window.aggregate(BidderCount, name="bids_of_bidder", bids=agg.count())


class BidderSession(Record):
    bidder: int
    start: datetime
    end: datetime
    bids: int


def sessions_of_bidders(inputs: Inputs) -> Stream[BidderSession]:
    """q11: the bids of each bidder until there is none for ten seconds."""
    window = inputs.bids.key_by("bidder").window(session("10s"))
    return window.aggregate(BidderSession, name="session_of_bidder", bids=agg.count())


QUERIES = [
    Query(
        "q5",
        "hot items (sliding windows)",
        hot_items,
        HotItem,
        """
        WITH counted AS (
            SELECT auction, floor_to(moment, 2) - step * INTERVAL 2 SECOND AS start, count(*) AS bids
            FROM bid CROSS JOIN range(5) steps(step)
            WHERE floor_to(moment, 2) + (5 - step) * INTERVAL 2 SECOND > own GROUP BY ALL
        )
        SELECT auction, start, start + INTERVAL 10 SECOND, bids
        FROM counted QUALIFY bids = max(bids) OVER (PARTITION BY start)
        """,
    ),
    Query(
        "q7",
        "highest bid (tumbling windows)",
        highest_bids,
        Bid,
        """
        SELECT auction, bidder, price, channel, url, moment, extra
        FROM bid WHERE floor_to(moment, 10) + INTERVAL 10 SECOND > own
        QUALIFY price = max(price) OVER (PARTITION BY floor_to(moment, 10))
        """,
    ),
    Query(
        "q8",
        "new sellers (join of windows)",
        new_sellers,
        NewSeller,
        """
        SELECT id, name, start FROM (
            SELECT id, name, floor_to(moment, 10) AS start FROM person
            WHERE floor_to(moment, 10) + INTERVAL 10 SECOND > own
        ) JOIN (
            SELECT DISTINCT seller, floor_to(moment, 10) AS start FROM auction
            WHERE floor_to(moment, 10) + INTERVAL 10 SECOND > own
        ) USING (start) WHERE id = seller
        """,
        reads=("persons", "auctions"),
    ),
    Query(
        "q11",
        "sessions of each bidder",
        sessions_of_bidders,
        BidderSession,
        """
        WITH in_time AS (SELECT * FROM bid WHERE moment + INTERVAL 10 SECOND > own),
        begun AS (
            SELECT *, coalesce(moment - lag(moment) OVER bids >= INTERVAL 10 SECOND, true) AS begins
            FROM in_time WINDOW bids AS (PARTITION BY bidder ORDER BY moment)
        ),
        numbered AS (
            SELECT *, sum(begins::INTEGER) OVER (PARTITION BY bidder ORDER BY moment) AS number FROM begun
        )
        SELECT bidder, min(moment), max(moment) + INTERVAL 10 SECOND, count(*) FROM numbered GROUP BY bidder, number
        """,
        final=True,
    ),
    Query(
        "q12",
        "bids of each bidder, every ten seconds of event time",
        bids_of_bidders,
        BidderCount,
        """
        SELECT bidder, floor_to(moment, 10), floor_to(moment, 10) + INTERVAL 10 SECOND, count(*)
        FROM bid WHERE floor_to(moment, 10) + INTERVAL 10 SECOND > own GROUP BY ALL
        """,
    ),
]
