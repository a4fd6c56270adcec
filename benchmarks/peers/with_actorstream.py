"""Ours: exactly-once, with a checkpoint every 100 ms."""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import polars as pl

from actorstream import App, Record, ValueState, agg, sliding, tumbling
from actorstream.connectors import files
from actorstream.streams.stream import Stream


class Bid(Record):
    auction: int
    price: float
    at: datetime
    ms: int


class Answer(Record):
    key: int
    value: float


class Best(Record):
    auction: int
    value: float


class Often(Record):
    auction: int
    value: int


def as_map(bids: Stream[Bid]) -> Stream[Answer]:
    return bids.map(lambda bid: Answer(bid.auction, bid.price * 0.908))


def as_columns(bids: Stream[Bid]) -> Stream[Answer]:
    return bids.select(key="auction", value=pl.col("price") * 0.908, into=Answer)


def as_filter(bids: Stream[Bid]) -> Stream[Answer]:
    return bids.filter(lambda bid: bid.price > 150).map(lambda bid: Answer(bid.auction, bid.price))


def as_sliding(bids: Stream[Bid]) -> Stream[Often]:
    window = bids.key_by("auction").window(sliding("10s", every="2s"))
    return window.aggregate(Often, name="often", value=agg.count())


def as_tumbling(bids: Stream[Bid]) -> Stream[Best]:
    return bids.key_by("auction").window(tumbling("10s")).aggregate(Best, name="best", value=agg.max("price"))


def as_mean(bids: Stream[Bid]) -> Stream[Answer]:
    @bids.key_by("auction").process
    def mean(bid: Bid, seen: ValueState[tuple[int, float]]) -> Answer:
        count, total = seen.get() or (0, 0.0)
        count, total = count + 1, total + bid.price
        seen.set((count, total))
        return Answer(bid.auction, total / count)

    return mean


WORKLOADS = {
    "map": as_map,
    "map-columns": as_columns,
    "filter": as_filter,
    "sliding": as_sliding,
    "tumbling": as_tumbling,
    "mean": as_mean,
}


def main(workload: str, source: str, target: str) -> None:
    start = time.perf_counter()
    app = App(f"peers-{workload}")
    bids = app.stream(files.jsonl(Path(source) / "bids.jsonl", Bid), event_time="at")
    WORKLOADS[workload](bids).to(files.jsonl(target))
    with tempfile.TemporaryDirectory(dir=source) as data:
        app.run(data=data)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
