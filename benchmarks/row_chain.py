"""A chain of three row functions over typed JSON lines, against a bare loop that decodes and calls the same functions.

Both read the same file in blocks, decode with msgspec, and count and sum what comes out. Ours runs as a job over a data
directory, with checkpoints every 100 ms.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from actorstream import App, Record
from actorstream.connectors import files
from benchmarks.harness import Pair, measure

RECORDS = 1_000_000
BLOCK_BYTES = 1 << 20


class Bid(Record):
    auction: int
    bidder: int
    price: float
    at: datetime


def in_euros(bid: Bid) -> tuple[int, float]:
    return bid.auction, bid.price * 0.9


def is_serious(pair: tuple[int, float]) -> bool:
    return pair[1] > 90.0


def to_cents(pair: tuple[int, float]) -> int:
    return int(pair[1] * 100)


def write_input(path: Path) -> None:
    encode = msgspec.json.Encoder().encode
    start = datetime(2024, 1, 1, tzinfo=UTC)
    with path.open("wb") as out:
        for number in range(RECORDS):
            bid = Bid(number % 1000, number, 50.0 + number % 200, start + timedelta(milliseconds=number))
            out.write(encode(bid) + b"\n")


def floor(path: Path) -> tuple[int, int]:
    decode_lines = msgspec.json.Decoder(Bid).decode_lines
    count = total = 0
    with path.open("rb") as lines:
        rest = b""
        while block := lines.read(BLOCK_BYTES):
            whole, _, rest = (rest + block).rpartition(b"\n")
            for bid in decode_lines(whole):
                pair = in_euros(bid)
                if is_serious(pair):
                    cents = to_cents(pair)
                    count += 1
                    total += cents
    return count, total


class Sums:
    """The end of our path: a plain sink, given a batch at a time."""

    def __init__(self) -> None:
        self.count = self.total = 0

    def write(self, values: list[int]) -> None:
        self.count += len(values)
        self.total += sum(values)


def work(path: Path, directory: str) -> tuple[int, int]:
    sums = Sums()
    app = App("row-chain")
    app.stream(files.jsonl(path, Bid)).map(in_euros).filter(is_serious).map(to_cents).to(sums)
    app.run(data=tempfile.mkdtemp(dir=directory))
    return sums.count, sums.total


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "bids.jsonl"
        write_input(path)
        measure(Pair("row chain", lambda: work(path, directory), lambda: floor(path), RECORDS, 0.80))


if __name__ == "__main__":
    main()
