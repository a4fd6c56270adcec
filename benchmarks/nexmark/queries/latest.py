"""q18: of each group, what counts now."""

from __future__ import annotations

from actorstream.streams.stream import Stream
from benchmarks.nexmark.model import Bid
from benchmarks.nexmark.query import Inputs, Query


def later(one: Bid, other: Bid) -> Bid:
    """The bid that was made later."""
    return other if other.at > one.at else one


def last_bids(inputs: Inputs) -> Stream[Bid]:
    """q18: of each bidder and auction the last bid, so far."""
    return inputs.bids.key_by("bidder", "auction").reduce(later, name="last_bid")


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
]
