"""Pairs of two streams in tumbling windows, over columns, against Polars joining both in one batch.

Bids and views of many items, a few of each item in ten seconds. Both sides read the same Parquet files. Ours runs as a
job over a data directory, with checkpoints every 100 ms.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars

from actorstream import App, Record, tumbling
from actorstream.connectors import files
from benchmarks.harness import Pair, measure

RECORDS = 4_000_000  # Of each side.
ITEMS = 20_000


class Bid(Record):
    item: int
    price: float
    at: datetime


class View(Record):
    item: int
    viewer: int
    at: datetime


class Seen(Record):
    item: int
    price: float
    viewer: int


def write_inputs(bids: Path, views: Path) -> None:
    """A record of each side each millisecond, twenty thousand of them in two windows."""
    rows = polars.int_range(RECORDS, eager=True)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    at = start + polars.select(polars.duration(milliseconds=rows)).to_series()
    price = (rows * 104_729 % 10_007).cast(polars.Float64)
    polars.DataFrame({"item": rows * 7919 % 100_003 % ITEMS, "price": price, "at": at}).write_parquet(bids)
    polars.DataFrame({"item": rows * 15_485_863 % 99_991 % ITEMS, "viewer": rows, "at": at}).write_parquet(views)


def floor(bids: Path, views: Path) -> tuple[int, int, float]:
    """One batch."""
    sides = [
        polars.read_parquet(path).with_columns(window=polars.col("at").dt.truncate("10s")) for path in (bids, views)
    ]
    seen = sides[0].join(sides[1], on=["item", "window"]).select("item", "price", "viewer")
    return seen.height, int(seen["viewer"].sum()), float(seen["price"].sum())


class Sums:
    """The end of the path, given columns."""

    columnar = True

    def __init__(self) -> None:
        self.rows, self.viewers, self.price = 0, 0, 0.0

    def write(self, values: polars.DataFrame) -> None:
        """Count and add up."""
        self.rows += values.height
        self.viewers += int(values["viewer"].sum())
        self.price += float(values["price"].sum())


def work(bids: Path, views: Path, directory: str) -> tuple[int, int, float]:
    """A job."""
    sums = Sums()
    app = App("window-join")
    left = app.stream(files.parquet(bids, Bid), event_time="at").key_by("item").window(tumbling("10s"))
    right = app.stream(files.parquet(views, View), event_time="at").key_by("item").window(tumbling("10s"))
    left.join(right, into=Seen, name="seen").to(sums)
    app.run(data=tempfile.mkdtemp(dir=directory))
    return sums.rows, sums.viewers, sums.price


def main() -> None:
    """Print the ratio."""
    with tempfile.TemporaryDirectory() as directory:
        bids, views = Path(directory) / "bids.parquet", Path(directory) / "views.parquet"
        write_inputs(bids, views)
        measure(
            Pair(
                "window join over columns",
                lambda: work(bids, views, directory),
                lambda: floor(bids, views),
                2 * RECORDS,
                0.30,
            )
        )


if __name__ == "__main__":
    main()
