"""q4, q6, q9: what auctions ended at, by state and timers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from actorstream import Key, ListState, Record, Timer, ValueState, agg
from actorstream.streams.stream import Stream
from benchmarks.nexmark.model import Auction, Bid
from benchmarks.nexmark.query import Inputs, Query

MICROSECOND = timedelta(microseconds=1)
LAST = 10


class Sold(Record):
    auction: int
    seller: int
    category: int
    expires: datetime
    bidder: int
    price: int
    at: datetime


def auction_of(event: Auction | Bid) -> int:
    """The auction that an event is about."""
    return event.id if isinstance(event, Auction) else event.auction


def is_better(bid: Bid, than: Bid | None) -> bool:
    """The higher price wins; of equal ones the earlier."""
    return than is None or (-bid.price, bid.at) < (-than.price, than.at)


def winning_bids(inputs: Inputs) -> Stream[Sold]:
    """q9: of each auction the highest bid while it was open, once it is closed."""
    events: Stream[Auction | Bid] = inputs.auctions.union(inputs.bids)  # type: ignore[arg-type, assignment]

    @events.key_by(auction_of).process
    def sold(
        event: Auction | Bid,
        opened: ValueState[Auction],
        best: ValueState[Bid],
        early: ListState[Bid],
        closed: ValueState[bool],
        closing: Timer,
    ) -> None:
        auction = opened.get()
        if isinstance(event, Auction):
            opened.set(event)
            closing.at(event.expires + MICROSECOND)  # A bid in the very moment counts.
            for bid in early:
                consider(bid, event, best)
            early.clear()
        elif auction is not None:
            consider(event, auction, best)
        elif not closed.get():
            early.append(event)

    def consider(bid: Bid, auction: Auction, best: ValueState[Bid]) -> None:
        if auction.at <= bid.at <= auction.expires and is_better(bid, best.get()):
            best.set(bid)

    @sold.on_timer
    def close(
        at: datetime, opened: ValueState[Auction], best: ValueState[Bid], closed: ValueState[bool]
    ) -> Sold | None:
        auction, bid = opened.get(), best.get()
        opened.clear()
        best.clear()
        closed.set(True)
        if auction is None or bid is None:
            return None
        return Sold(auction.id, auction.seller, auction.category, auction.expires, bid.bidder, bid.price, bid.at)

    return sold


class CategoryPrice(Record):
    category: int
    price: float


def prices_of_categories(inputs: Inputs) -> Stream[CategoryPrice]:
    """q4: the mean of what auctions ended at, by category, so far."""
    by_category = winning_bids(inputs).key_by("category")
    return by_category.aggregate(CategoryPrice, name="price_of_category", price=agg.mean("price"))


class SellerPrice(Record):
    seller: int
    auction: int
    price: float


def prices_of_sellers(inputs: Inputs) -> Stream[SellerPrice]:
    """q6: at each sale, the mean of the seller's last ten.

    Sales of one seller that end in the same moment go by the auction's number: they are held until that moment is over.
    """

    @winning_bids(inputs).key_by("seller").process
    def seller_price(sale: Sold, ending: ListState[Sold], over: Timer) -> None:
        ending.append(sale)
        over.at(sale.expires + 2 * MICROSECOND)

    @seller_price.on_timer
    def next_prices(
        at: datetime, seller: Key[int], ending: ListState[Sold], last: ListState[int]
    ) -> Iterator[SellerPrice]:
        now = [sale for sale in ending if sale.expires < at - MICROSECOND]
        rest = [sale for sale in ending if sale.expires >= at - MICROSECOND]
        prices = list(last)
        for sale in sorted(now, key=lambda sale: (sale.expires, sale.auction)):
            prices = [*prices, sale.price][-LAST:]
            yield SellerPrice(seller, sale.auction, sum(prices) / len(prices))
        ending.clear()
        ending.extend(rest)
        last.clear()
        last.extend(prices)

    return seller_price


SOLD = """
    SELECT a.id AS auction, a.seller, a.category, a.expires, b.bidder, b.price, b.moment
    FROM auction a JOIN bid b ON a.id = b.auction AND b.moment BETWEEN a.moment AND a.expires
    QUALIFY row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.moment) = 1
"""

QUERIES = [
    Query(
        "q4",
        "mean price of each category",
        prices_of_categories,
        CategoryPrice,
        f"SELECT category, avg(price) FROM ({SOLD}) GROUP BY category",
        reads=("auctions", "bids"),
        latest=("category",),
        final=True,
    ),
    Query(
        "q6",
        "mean price of each seller's last ten",
        prices_of_sellers,
        SellerPrice,
        f"""
        SELECT seller, auction,
            avg(price) OVER (PARTITION BY seller ORDER BY expires, auction ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)
        FROM ({SOLD})
        """,
        reads=("auctions", "bids"),
        final=True,
    ),
    Query("q9", "winning bids", winning_bids, Sold, SOLD, reads=("auctions", "bids"), final=True),
]
