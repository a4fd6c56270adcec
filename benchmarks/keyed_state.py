"""A running mean for each of a thousand keys, kept by a Python function, against a bare loop over a dict.

Both read the same file of typed JSON lines in blocks, decode with msgspec, and give a value for each reading. Ours
keeps a count and a sum in `ValueState`, in a job over a data directory, with checkpoints every 100 ms.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from actorstream import App, Record, ValueState
from actorstream.connectors import files
from benchmarks.harness import Pair, measure

RECORDS = 3_000_000
KEYS = 1_000
BLOCK_BYTES = 1 << 20


class Reading(Record):
    sensor: int
    value: float


def write_input(path: Path) -> None:
    """Three million readings."""
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as out:
        for number in range(RECORDS):
            out.write(encode(Reading(number * 7919 % KEYS, float(number % 10_007))) + b"\n")


def floor(path: Path) -> tuple[int, float]:
    """A bare loop."""
    decode_lines = msgspec.json.Decoder(Reading).decode_lines
    seen: dict[int, tuple[int, float]] = {}

    def mean(reading: Reading) -> float:
        count, total = seen.get(reading.sensor) or (0, 0.0)
        count, total = count + 1, total + reading.value
        seen[reading.sensor] = (count, total)
        return total / count

    sums = Sums()
    with path.open("rb") as lines:
        rest = b""
        while block := lines.read(BLOCK_BYTES):
            whole, _, rest = (rest + block).rpartition(b"\n")
            sums.write([mean(reading) for reading in decode_lines(whole)])
    return sums.count, round(sums.total)


class Sums:
    """The end of the path: a plain sink, given a batch at a time."""

    def __init__(self) -> None:
        self.count, self.total = 0, 0.0

    def write(self, values: list[float]) -> None:
        """Count and add up."""
        self.count += len(values)
        self.total += sum(values)


def work(path: Path, directory: str) -> tuple[int, float]:
    """A job."""
    sums = Sums()
    app = App("keyed-state")
    by_sensor = app.stream(files.jsonl(path, Reading)).key_by("sensor")

    @by_sensor.process
    def mean(reading: Reading, seen: ValueState[tuple[int, float]]) -> float:
        count, total = seen.get() or (0, 0.0)
        count, total = count + 1, total + reading.value
        seen.set((count, total))
        return total / count

    mean.to(sums)
    app.run(data=tempfile.mkdtemp(dir=directory))
    return sums.count, round(sums.total)


def main() -> None:
    """Print the ratio."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "readings.jsonl"
        write_input(path)
        measure(Pair("keyed state", lambda: work(path, directory), lambda: floor(path), RECORDS, 0.60))


if __name__ == "__main__":
    main()
