"""Pathway: its static mode, which takes the files in one batch, the fastest that it has; without persistence.

A running result of each record does not exist there: one batch has one result a key. So it has no "mean".
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pathway as pw

TEN_MS, TWO_MS = 10_000, 2_000


class Bid(pw.Schema):
    auction: int
    price: float
    ms: int


def as_map(bids: Any) -> Any:
    return bids.select(key=pw.this.auction, value=pw.this.price * 0.908)


def as_filter(bids: Any) -> Any:
    return bids.filter(pw.this.price > 150).select(key=pw.this.auction, value=pw.this.price)


def as_sliding(bids: Any) -> Any:
    window = pw.temporal.sliding(hop=TWO_MS, duration=TEN_MS)
    windows = bids.windowby(pw.this.ms, window=window, instance=pw.this.auction)
    return windows.reduce(key=pw.this._pw_instance, value=pw.reducers.count())


def as_tumbling(bids: Any) -> Any:
    windows = bids.windowby(pw.this.ms, window=pw.temporal.tumbling(duration=TEN_MS), instance=pw.this.auction)
    return windows.reduce(key=pw.this._pw_instance, value=pw.reducers.max(pw.this.price))


def as_join(bids: Any, views: Any) -> Any:
    window = pw.temporal.tumbling(duration=TEN_MS)
    pairs = bids.window_join(views, bids.ms, views.ms, window, bids.auction == views.auction)
    return pairs.select(key=pw.left.auction, value=pw.left.price + pw.right.price)


WORKLOADS = {"map": as_map, "filter": as_filter, "sliding": as_sliding, "tumbling": as_tumbling}


def main(workload: str, source: str, target: str) -> None:
    Path(target).mkdir()
    start = time.perf_counter()
    bids = pw.io.jsonlines.read(Path(source) / "bids.jsonl", schema=Bid, mode="static")
    if workload == "join":
        answers = as_join(bids, pw.io.jsonlines.read(Path(source) / "views.jsonl", schema=Bid, mode="static"))
    else:
        answers = WORKLOADS[workload](bids)
    pw.io.jsonlines.write(answers, Path(target) / "answers.jsonl")
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
