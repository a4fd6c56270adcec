"""The program at the top of the documentation, as a person writes it."""

from datetime import datetime

from actorstream import App, Record, agg, tumbling


class Bid(Record):
    auction: int
    bidder: int
    price: float
    at: datetime


class Hot(Record):
    auction: int
    start: datetime
    bids: int
    top: float


app = App("hot-items")
bids = app.topic("bids", Bid, partitions=4)
hot_items = app.topic("hot-items", Hot)

stream = app.stream(bids, event_time="at", max_delay="2s")


@stream.filter
def serious(bid: Bid) -> bool:
    return bid.price > 100


@serious.key_by
def auction(bid: Bid) -> int:
    return bid.auction


hot = auction.window(tumbling("10s")).aggregate(Hot, name="hot", bids=agg.count(), top=agg.max("price"))
hot.to(hot_items)
