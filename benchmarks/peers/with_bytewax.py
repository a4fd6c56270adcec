"""Bytewax: decoding and writing in batches, as its guide advises, with recovery and a snapshot every 100 ms.

Its output is at least once: the sink that writes batches takes no part in recovery.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
import msgspec
from bytewax.connectors.files import FileSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import run_main


class Bid(msgspec.Struct):
    auction: int
    price: float
    at: datetime
    ms: int


class Answer(msgspec.Struct):
    key: int
    value: float


class Lines(DynamicSink[Answer]):
    """One file, written a batch at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSinkPartition[Answer]:
        return LinesPartition(self.path)


class LinesPartition(StatelessSinkPartition[Answer]):
    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.encode = msgspec.json.Encoder().encode_lines

    def write_batch(self, items: list[Answer]) -> None:
        self.file.write(self.encode(items))

    def close(self) -> None:
        self.file.close()


START = datetime(2024, 1, 1, tzinfo=UTC)
TEN, TWO = timedelta(seconds=10), timedelta(seconds=2)
# Its watermark moves on with the machine's clock: without patience, a busy machine makes records late.
CLOCK: Any = win.EventClock(ts_getter=lambda bid: bid.at, wait_for_system_duration=TEN)
SLIDING = win.SlidingWindower(length=TEN, offset=TWO, align_to=START)
TUMBLING = win.TumblingWindower(length=TEN, align_to=START)
BATCH = 4096


def bids_of(flow: Dataflow, path: Path) -> Any:
    decode = msgspec.json.Decoder(Bid).decode

    def decoded(lines: list[str]) -> Iterable[Bid]:
        return [decode(line) for line in lines]

    lines = op.input(f"lines of {path.stem}", flow, FileSource(path, batch_size=BATCH))
    return op.flat_map_batch(f"decode {path.stem}", lines, decoded)


def by_auction(bid: Bid) -> str:
    return str(bid.auction)


def as_map(bids: Any) -> Any:
    return op.map("euros", bids, lambda bid: Answer(bid.auction, bid.price * 0.908))


def as_filter(bids: Any) -> Any:
    some = op.filter("some", bids, lambda bid: bid.price > 150)
    return op.map("answer", some, lambda bid: Answer(bid.auction, bid.price))


def as_sliding(bids: Any) -> Any:
    counted = win.count_window("often", bids, CLOCK, SLIDING, by_auction)
    return op.map("answer", counted.down, lambda pair: Answer(int(pair[0]), pair[1][1]))


def as_tumbling(bids: Any) -> Any:
    best = win.max_window("best", op.key_on("key", bids, by_auction), CLOCK, TUMBLING, by=lambda bid: bid.price)
    return op.map("answer", best.down, lambda pair: Answer(int(pair[0]), pair[1][1].price))


def as_mean(bids: Any) -> Any:
    def mean(state: tuple[int, float] | None, bid: Bid) -> tuple[tuple[int, float], Answer]:
        count, total = state or (0, 0.0)
        count, total = count + 1, total + bid.price
        return (count, total), Answer(bid.auction, total / count)

    means = op.stateful_map("mean", op.key_on("key", bids, by_auction), mean)
    return op.map("answer", means, lambda pair: pair[1])


def as_join(bids: Any, views: Any) -> Any:
    sides = [op.key_on(f"key {name}", stream, by_auction) for name, stream in (("bids", bids), ("views", views))]
    pairs = win.join_window("join", CLOCK, TUMBLING, *sides, insert_mode="product")
    return op.filter_map("answer", pairs.down, of_both)


def of_both(pair: Any) -> Answer | None:
    bid, view = pair[1][1]
    return None if bid is None or view is None else Answer(int(pair[0]), bid.price + view.price)


WORKLOADS = {"map": as_map, "filter": as_filter, "sliding": as_sliding, "tumbling": as_tumbling, "mean": as_mean}


def main(workload: str, source: str, target: str) -> None:
    Path(target).mkdir()
    start = time.perf_counter()
    flow = Dataflow(workload)
    bids = bids_of(flow, Path(source) / "bids.jsonl")
    if workload == "join":
        answers = as_join(bids, bids_of(flow, Path(source) / "views.jsonl"))
    else:
        answers = WORKLOADS[workload](bids)
    op.output("lines", answers, Lines(Path(target) / "answers.jsonl"))
    with tempfile.TemporaryDirectory(dir=source) as snapshots:
        init_db_dir(Path(snapshots), 1)
        run_main(flow, epoch_interval=timedelta(seconds=0.1), recovery_config=RecoveryConfig(Path(snapshots)))
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
