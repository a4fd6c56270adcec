"""q3, q13, q20: joins with tables."""

from __future__ import annotations

from actorstream import Record
from actorstream.streams.stream import Stream
from benchmarks.nexmark.model import Auction, Bid, Person
from benchmarks.nexmark.query import Inputs, Query

CATEGORY = 10
NEAR = ("OR", "ID", "CA")


class Suggestion(Record):
    name: str
    city: str
    state: str
    auction: int


def local_items(inputs: Inputs) -> Stream[Suggestion]:
    """q3: who sells something of a category, in some states."""
    near = inputs.persons.filter(lambda person: person.state in NEAR, name="near")
    sellers = inputs.app.table(near, key="id")
    some = inputs.auctions.filter(lambda auction: auction.category == CATEGORY, name="of_category")

    @some.key_by("seller").join(sellers, how="inner")
    def suggestion(auction: Auction, seller: Person) -> Suggestion:
        return Suggestion(seller.name, seller.city, seller.state, auction.id)

    return suggestion


class Side(Record):
    key: int
    value: str


SIDE = [Side(key, f"value {key * 7919 % 10_007}") for key in range(1_000)]


class WithSide(Record):
    auction: int
    bidder: int
    price: int
    value: str


def side_input(inputs: Inputs) -> Stream[WithSide]:
    """q13: each bid with a value of a bounded table."""
    side = inputs.app.table(inputs.app.stream(SIDE, name="side"), key="key")
    by_place = inputs.bids.key_by(lambda bid: bid.auction % len(SIDE), name="place")

    @by_place.join(side, how="inner")
    def with_side(bid: Bid, side: Side) -> WithSide:
        return WithSide(bid.auction, bid.bidder, bid.price, side.value)

    return with_side


class Expanded(Record):
    auction: int
    bidder: int
    price: int
    item: str
    seller: int
    category: int


def expanded_bids(inputs: Inputs) -> Stream[Expanded]:
    """q20: bids on auctions of a category, with what is for sale."""
    some = inputs.auctions.filter(lambda auction: auction.category == CATEGORY, name="of_category")
    on_sale = inputs.app.table(some, key="id")

    @inputs.bids.key_by("auction").join(on_sale, how="inner")
    def expanded(bid: Bid, auction: Auction) -> Expanded:
        return Expanded(bid.auction, bid.bidder, bid.price, auction.item, auction.seller, auction.category)

    return expanded


QUERIES = [
    Query(
        "q3",
        "local items (join with a table)",
        local_items,
        Suggestion,
        """
        SELECT p.name, p.city, p.state, a.id FROM auction a JOIN person p ON a.seller = p.id
        WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')
        """,
        reads=("persons", "auctions"),
    ),
    Query(
        "q13",
        "join with a bounded table",
        side_input,
        WithSide,
        "SELECT auction, bidder, price, format('value {}', auction % 1000 * 7919 % 10007) FROM bid",
    ),
    Query(
        "q20",
        "bids with their auctions (join with a table)",
        expanded_bids,
        Expanded,
        """
        SELECT b.auction, b.bidder, b.price, a.item, a.seller, a.category
        FROM bid b JOIN auction a ON b.auction = a.id WHERE a.category = 10
        """,
        reads=("auctions", "bids"),
    ),
]
