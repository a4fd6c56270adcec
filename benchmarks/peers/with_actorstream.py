"""Ours: exactly-once, with a checkpoint every 100 ms; over columns where the question needs no Python function."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

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


class Pair(Record):
    auction: int
    price: float
    price_right: float


def as_map(bids: Stream[Bid]) -> Stream[Any]:
    return bids.select(key="auction", value=pl.col("price") * 0.908)


def as_filter(bids: Stream[Bid]) -> Stream[Any]:
    return bids.where(pl.col("price") > 150).select(key="auction", value="price")


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


def as_join(bids: Stream[Bid], views: Stream[Bid]) -> Stream[Any]:
    windows = tumbling("10s")
    by_auction = views.key_by("auction").window(windows)
    pairs = bids.key_by("auction").window(windows).join(by_auction, into=Pair, name="pairs")
    return pairs.select(key="auction", value=pl.col("price") + pl.col("price_right"))


WORKLOADS: dict[str, Callable[[Stream[Bid]], Stream[Any]]] = {
    "map": as_map,
    "filter": as_filter,
    "sliding": as_sliding,
    "tumbling": as_tumbling,
    "mean": as_mean,
}


WITHOUT_TIME = ("map", "filter", "mean")


def read(app: App, path: Path, workload: str) -> Stream[Bid]:
    source = files.jsonl(path, Bid)
    if workload in WITHOUT_TIME:
        return app.stream(source, name=path.stem)
    return app.stream(source, event_time="at", max_delay="10s", name=path.stem)


def main(workload: str, source: str, target: str) -> None:
    start = time.perf_counter()
    app = App(f"peers-{workload}")
    bids = read(app, Path(source) / "bids.jsonl", workload)
    if workload == "join":
        answers: Stream[Any] = as_join(bids, read(app, Path(source) / "views.jsonl", workload))
    else:
        answers = WORKLOADS[workload](bids)
    answers.to(files.jsonl(target))
    with tempfile.TemporaryDirectory(dir=source) as data:
        app.run(data=data)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
