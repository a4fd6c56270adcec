"""A tumbling count and maximum per key over columns, against Polars doing it in one batch.

Both read the same Parquet file. Ours runs as a job over a data directory, with checkpoints every 100 ms.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars

from actorstream import App, Record, agg, tumbling
from actorstream.connectors import files
from benchmarks.harness import Pair, measure

RECORDS = 4_000_000
KEYS = 100


class Bid(Record):
    auction: int
    price: float
    at: datetime


class Hot(Record):
    auction: int
    start: datetime
    bids: int
    top: float


def write_input(path: Path) -> None:
    rows = polars.int_range(RECORDS, eager=True)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    polars.DataFrame(
        {
            "auction": rows * 7919 % KEYS,
            "price": (rows * 104_729 % 10_007).cast(polars.Float64),
            "at": start + polars.select(polars.duration(milliseconds=rows)).to_series(),
        }
    ).write_parquet(path)


def floor(path: Path) -> tuple[int, int, float]:
    hot = (
        polars.read_parquet(path)
        .group_by("auction", polars.col("at").dt.truncate("10s"))
        .agg(polars.len().alias("bids"), polars.col("price").max().alias("top"))
    )
    return hot.height, int(hot["bids"].sum()), float(hot["top"].sum())


class Sums:
    def __init__(self) -> None:
        self.rows, self.bids, self.top = 0, 0, 0.0

    def write(self, values: list[Hot]) -> None:
        self.rows += len(values)
        self.bids += sum(hot.bids for hot in values)
        self.top += sum(hot.top for hot in values)


def work(path: Path, directory: str) -> tuple[int, int, float]:
    sums = Sums()
    app = App("window-columns")
    bids = app.stream(files.parquet(path, Bid), event_time="at")
    hot = (
        bids.key_by("auction")
        .window(tumbling("10s"))
        .aggregate(Hot, name="hot", bids=agg.count(), top=agg.max("price"))
    )
    hot.to(sums)
    app.run(data=tempfile.mkdtemp(dir=directory))
    return sums.rows, sums.bids, sums.top


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "bids.parquet"
        write_input(path)
        measure(Pair("window over columns", lambda: work(path, directory), lambda: floor(path), RECORDS, 0.40))


if __name__ == "__main__":
    main()
