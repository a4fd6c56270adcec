"""q18, q19: of each group, what counts now."""

from __future__ import annotations

from actorstream import Record, agg
from actorstream.streams.stream import Stream
from benchmarks.nexmark.model import Bid
from benchmarks.nexmark.query import Inputs, Query


def later(one: Bid, other: Bid) -> Bid:
    """The bid that was made later."""
    return other if other.at > one.at else one


def last_bids(inputs: Inputs) -> Stream[Bid]:
    """q18, q19: of each bidder and auction the last bid, so far."""
    return inputs.bids.key_by("bidder", "auction").reduce(later, name="last_bid")


class Best(Record):
    auction: int
    best: list[Bid]


def ten_best(inputs: Inputs) -> Stream[Best]:
    """q19: of each auction the ten highest bids, so far."""
    return inputs.bids.key_by("auction").aggregate(Best, name="ten_best", best=agg.top(10, "price"))


QUERIES = [
    Query(
        "q18",
        "last bid of each bidder and auction",
        last_bids,
        Bid,
        """
        SELECT auction, bidder, price, channel, url, moment, extra
        FROM bid QUALIFY row_number() OVER (PARTITION BY bidder, auction ORDER BY moment DESC) = 1
        """,
        latest=("bidder", "auction"),
    ),
    Query(
        "q19",
        "ten highest bids of each auction",
        ten_best,
        Best,
        """
        SELECT auction, list((auction, bidder, price, channel, url, moment, extra) ORDER BY price DESC, moment)
        FROM (
            SELECT * FROM bid QUALIFY row_number() OVER (PARTITION BY auction ORDER BY price DESC, moment) <= 10
        )
        GROUP BY auction
        """,
        latest=("auction",),
    ),
]
