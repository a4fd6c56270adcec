"""Hot items: which auctions have the most bids, in windows of ten seconds that close by themselves.

Run it with `python examples/01_hot_items.py`: it writes bids into a log, runs the job over them, and reads the results.
Or let it run and feed it by hand, from two terminals:

    actorstream run examples/01_hot_items.py
    actorstream produce bids < bids.jsonl
    actorstream consume hot-items --follow
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from actorstream import App, Record, agg, tumbling


class Bid(Record):
    """Somebody offers a price."""

    auction: int
    bidder: int
    price: float
    at: datetime


class Hot(Record):
    """How an auction did in one window."""

    auction: int
    start: datetime
    bids: int
    top: float


app = App("hot-items")
bids = app.topic("bids", Bid, partitions=4, key="auction")
hot_items = app.topic("hot-items", Hot, key="auction")

stream = app.stream(bids, event_time="at", max_delay="2s")


@stream.filter
def serious(bid: Bid) -> bool:
    """Leave out what is not worth counting."""
    return bid.price > 100


@serious.key_by
def auction(bid: Bid) -> int:
    """Count by auction."""
    return bid.auction


hot = auction.window(tumbling("10s")).aggregate(Hot, name="hot", bids=agg.count(), top=agg.max("price"))
hot.to(hot_items)


def main() -> None:
    """Write, run, read."""
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    with app.producer() as producer:
        for second in range(30):
            price = 90 + second * 7 % 40
            producer.send(bids, Bid(second % 2, second, float(price), noon + timedelta(seconds=second)))

    app.run(until="end")

    with app.consumer(hot_items) as results:
        found = [record.value for record in results]
    for one in sorted(found, key=lambda one: (one.start, one.auction)):
        print(f"{one.start:%H:%M:%S} auction {one.auction}: {one.bids} bids, the highest {one.top:.2f}")


if __name__ == "__main__":
    main()
