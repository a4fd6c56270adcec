"""Peak memory of a windowed job over an input, and over one ten times as long.

Each runs in a process of its own: JSON lines into a topic's worth of tumbling windows per key, and from there into a
topic. The number of open windows is the same; what grows is only the input.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from actorstream import App, Record, agg, tumbling
from actorstream.connectors import files

RECORDS = 200_000
TIMES = 10
KEYS = 100
GOAL = 1.20


class Bid(Record):
    auction: int
    price: float
    at: datetime


class Hot(Record):
    auction: int
    start: datetime
    bids: int
    top: float


def write_input(path: Path, count: int) -> None:
    encode = msgspec.json.Encoder().encode
    start = datetime(2024, 1, 1, tzinfo=UTC)
    with path.open("wb") as out:
        for number in range(count):
            out.write(encode(Bid(number % KEYS, float(number % 1009), start + timedelta(milliseconds=number))) + b"\n")


def run(path: Path, data: str) -> None:
    app = App("memory")
    hot_topic = app.topic("hot", Hot, key="auction")
    bids = app.stream(files.jsonl(path, Bid), event_time="at")
    windows = bids.key_by("auction").window(tumbling("10s"))
    hot = windows.aggregate(Hot, name="hot", bids=agg.count(), top=agg.max("price"))
    hot.to(hot_topic)
    app.run(data=data)


def peak_kib(path: Path) -> int:
    command = [sys.executable, "-m", "benchmarks.memory", str(path)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    if len(sys.argv) > 1:
        with tempfile.TemporaryDirectory() as data:
            run(Path(sys.argv[1]), data)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    with tempfile.TemporaryDirectory() as directory:
        short, long = Path(directory) / "short.jsonl", Path(directory) / "long.jsonl"
        write_input(short, RECORDS)
        write_input(long, RECORDS * TIMES)
        small, large = peak_kib(short), peak_kib(long)
        print(
            f"peak memory: {small / 1024:.0f} MiB over {RECORDS:,} records, {large / 1024:.0f} MiB over "
            f"{RECORDS * TIMES:,}: {large / small:.2f} times; goal at most {GOAL}"
        )


if __name__ == "__main__":
    main()
