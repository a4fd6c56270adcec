"""Counts for each of very many keys, kept by a Python function in RocksDB, against a bare loop over RocksDB.

First each key comes once, then a fifth as many records for keys in a scattered order: the updates, whose speed is
compared. The floor reads the same lines in the same blocks, asks for the keys of a block at once, and writes a block as
one batch. Each runs in a process of its own, so that its peak of memory is its own. What counts is the time that the
process has had of the processor, the threads of RocksDB included.

`python -m benchmarks.large_state 10000000` for as many keys.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import msgspec

from actorstream import App, Record, State, ValueState
from actorstream.connectors import files
from actorstream.host import RocksMap
from actorstream.model.identity import encode

KEYS = 1_000_000
ROUNDS = 3
BLOCK_BYTES = 1 << 17
GOAL = 0.50
STEP = 982_451_653  # A prime: its multiples visit all keys.


class Hit(Record):
    key: int


def write_input(path: Path, keys: int) -> None:
    with path.open("wb") as out:
        for first in range(0, keys + keys // 5, 10_000):
            numbers = range(first, first + 10_000)
            out.write(b"".join(b'{"key":%d}\n' % (n if n < keys else n * STEP % keys) for n in numbers))


class Clock:
    """The end of the path: a plain sink that notes when the updates began and ended.

    It looks at the time only then, because to add up what all threads have had takes about a millisecond.
    """

    def __init__(self, keys: int) -> None:
        self.count, self.total, self.keys = 0, 0, keys
        self.start, self.begun, self.ended = time.process_time(), 0.0, 0.0

    def write(self, values: list[int]) -> None:
        self.count += len(values)
        self.total += sum(values)
        if self.count >= self.keys and not self.begun:
            self.begun = time.process_time()
        if self.count >= self.keys + self.keys // 5:
            self.ended = time.process_time()


def floor(path: Path, directory: str, clock: Clock) -> None:
    """A bare loop."""
    decode_lines = msgspec.json.Decoder(Hit).decode_lines
    pack, unpack = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(int).decode
    entries = RocksMap(directory)
    with path.open("rb") as lines:
        rest = b""
        while block := lines.read(BLOCK_BYTES):
            whole, _, rest = (rest + block).rpartition(b"\n")
            hits = decode_lines(whole)
            keys = [encode(hit.key) for hit in hits]
            found = entries.get_all(keys)
            known = {key: 0 if value is None else unpack(value) for key, value in zip(keys, found, strict=True)}
            counts = []
            for key in keys:
                known[key] = count = known[key] + 1
                counts.append(count)
            entries.write([(key, pack(count)) for key, count in known.items()])
            clock.write(counts)
    entries.close()


def work(path: Path, directory: str, clock: Clock) -> None:
    """A job."""
    app = App("large-state")
    by_key = app.stream(files.jsonl(path, Hit)).key_by("key")

    @by_key.process
    def counted(hit: Hit, count: Annotated[ValueState[int], State(default=0)]) -> int:
        value = (count.get() or 0) + 1
        count.set(value)
        return value

    counted.to(clock)
    app.run(data=directory, checkpoint="1s", state="rocksdb")


def measure(kind: str, path: Path, keys: int) -> None:
    """In a process of its own: seconds of loading, seconds of updates, peak of memory in MiB, and the answer."""
    clock = Clock(keys)
    with tempfile.TemporaryDirectory(dir=path.parent) as directory:
        (work if kind == "work" else floor)(path, directory, clock)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(clock.begun - clock.start, clock.ended - clock.begun, peak, clock.count, clock.total)


def main() -> None:
    if len(sys.argv) > 2:
        measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
        return
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else KEYS
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "hits.jsonl"
        write_input(path, keys)
        ratios = []
        for _ in range(ROUNDS if keys <= KEYS else 1):
            (base, _, *expected), (ours, peak, *found) = (_run(kind, path, keys) for kind in ("floor", "work"))
            assert found == expected, f"the answers differ: {found} and {expected}"
            ratios.append(base / ours)
            print(
                f"  {keys:,} keys: {keys / 5 / ours:,.0f} updates/s, floor {keys / 5 / base:,.0f}, "
                f"ratio {ratios[-1]:.0%}; peak of memory {peak:,.0f} MiB",
                flush=True,
            )
        print(f"large state: {sorted(ratios)[len(ratios) // 2]:.0%} of the floor; goal {GOAL:.0%}")


def _run(kind: str, path: Path, keys: int) -> list[float]:
    """Seconds of the updates, peak of memory, and the answer."""
    command = [sys.executable, "-m", "benchmarks.large_state", kind, str(path), str(keys)]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return [float(one) for one in found[1:]]


if __name__ == "__main__":
    main()
