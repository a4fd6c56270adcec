"""Ours: exactly-once, with a checkpoint every 100 ms; over columns where the question needs no Python function."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from actorstream import App, Record, ValueState, Window, agg, sliding, tumbling
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


def as_join(bids: Stream[Bid], views: Stream[Bid]) -> Stream[Answer]:
    """Both in one window: its function pairs them."""
    both = bids.map(of_bid).union(views.map(of_view))

    @both.key_by(lambda side: side[1].auction, name="auction").window(tumbling("10s"))
    def pair(window: Window[int, tuple[str, Bid]]) -> Iterator[Answer]:
        sides = list(window)
        left = [bid.price for side, bid in sides if side == "bid"]
        right = [view.price for side, view in sides if side == "view"]
        yield from (Answer(window.key, one + other) for one in left for other in right)

    return pair


def of_bid(bid: Bid) -> tuple[str, Bid]:
    return "bid", bid


def of_view(view: Bid) -> tuple[str, Bid]:
    return "view", view


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
