"""A filter and a projection over columns, against Polars doing both in one batch.

Both read the same Parquet file. Ours runs as a job over a data directory, with checkpoints every 100 ms.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars

from actorstream import App, Record
from actorstream.connectors import files
from benchmarks.harness import Pair, measure

RECORDS = 16_000_000


class Bid(Record):
    auction: int
    bidder: int
    price: float


class Paid(Record):
    auction: int
    euros: float


def write_input(path: Path) -> None:
    """Sixteen million bids."""
    rows = polars.int_range(RECORDS, eager=True)
    price = (rows * 104_729 % 10_007).cast(polars.Float64)
    polars.DataFrame({"auction": rows * 7919 % 1_000, "bidder": rows, "price": price}).write_parquet(path)


def floor(path: Path) -> tuple[int, int]:
    """One batch."""
    paid = (
        polars.read_parquet(path)
        .filter(polars.col("price") > 5_000.0)
        .select("auction", euros=polars.col("price") * 0.9)
    )
    return paid.height, round(paid["euros"].sum())


class Sums:
    """The end of the path, given columns."""

    columnar = True

    def __init__(self) -> None:
        self.rows, self.euros = 0, 0.0

    def write(self, values: polars.DataFrame) -> None:
        """Count and add up."""
        self.rows += values.height
        self.euros += values["euros"].sum()


def work(path: Path, directory: str) -> tuple[int, int]:
    """A job."""
    sums = Sums()
    app = App("filter-columns")
    bids = app.stream(files.parquet(path, Bid))
    paid = bids.where(polars.col("price") > 5_000.0).select("auction", euros=polars.col("price") * 0.9, into=Paid)
    paid.to(sums)
    app.run(data=tempfile.mkdtemp(dir=directory))
    return sums.rows, round(sums.euros)


def main() -> None:
    """Print the ratio."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "bids.parquet"
        write_input(path)
        measure(
            Pair(
                "filter and projection over columns", lambda: work(path, directory), lambda: floor(path), RECORDS, 0.50
            )
        )


if __name__ == "__main__":
    main()
