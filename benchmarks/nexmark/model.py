"""The three kinds of events."""

from __future__ import annotations

from datetime import datetime

from actorstream import Record


class Person(Record):
    """Somebody who sells and bids."""

    id: int
    name: str
    email: str
    credit_card: str
    city: str
    state: str
    at: datetime
    extra: str


class Auction(Record):
    """Something for sale until `expires`; prices are in cents."""

    id: int
    item: str
    description: str
    initial_bid: int
    reserve: int
    at: datetime
    expires: datetime
    seller: int
    category: int
    extra: str


class Bid(Record):
    """What a person offers in an auction, in cents."""

    auction: int
    bidder: int
    price: int
    channel: str
    url: str
    at: datetime
    extra: str
