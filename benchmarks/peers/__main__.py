"""Ratios to Bytewax, Pathway and Spark: `python -m benchmarks.peers [--python OTHER] [--workloads map,filter]`.

Each reads the same JSON lines, with times in order, and writes JSON lines, in a process of its own; what counts is the
time from the building of the program to its end, so without the start of Python. All modules are compiled before, as
those of installed packages are. Ours and Bytewax have a checkpoint every 100 ms, Spark has one, Pathway's batch none.
Answers must be equally many, with equal sums. What is not installed for `--python` is left out, in a line that says so.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

WORKLOADS = ("map", "filter", "sliding", "tumbling", "mean", "join")
PEERS = {"Bytewax": "bytewax", "Pathway": "pathway", "Spark": "pyspark"}
ROOT = Path(__file__).resolve().parents[2]
ABSENT = {("mean", "Pathway"): "has no running result", ("mean", "Spark"): "has no running result"}
LAST_STAYS_OPEN = {("sliding", "Spark"), ("tumbling", "Spark")}
AUCTIONS = 100
BIDS = {"map": 5_000_000, "filter": 5_000_000, "mean": 5_000_000, "sliding": 1_000_000, "tumbling": 1_000_000}
SIDE, SIDE_AUCTIONS = 100_000, 5_000
WARM_UP = 1_000
VALUES = {"value": pl.Float64}
SECONDS_MAX = 300
START = datetime(2024, 1, 1, tzinfo=UTC)


def events(count: int, keys: int, factor: int) -> pl.DataFrame:
    """Bids a millisecond apart."""
    row = pl.Series(range(count))
    return pl.DataFrame(
        {
            "auction": row * factor % keys,
            "price": (row * 104_729 % 200).cast(pl.Float64) + 0.5,
            "at": (START + pl.select(pl.duration(milliseconds=row)).to_series()).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"),
            "ms": row,
        }
    )


def write_inputs(directory: Path, workload: str, count: int, side: int) -> None:
    """One file for what reads one, two for the join."""
    directory.mkdir()
    if workload == "join":
        events(side, SIDE_AUCTIONS, 7919).write_ndjson(directory / "bids.jsonl")
        events(side, SIDE_AUCTIONS, 7907).write_ndjson(directory / "views.jsonl")
    else:
        events(count, AUCTIONS, 7919).write_ndjson(directory / "bids.jsonl")


def answer(directory: Path) -> tuple[int, float]:
    """How many lines there are, and the sum of their values."""
    files = [path for path in sorted(directory.glob("[!._]*")) if path.stat().st_size]
    none = pl.DataFrame(schema=VALUES)
    values = pl.concat([none, *(pl.read_ndjson(path, schema=VALUES) for path in files)])["value"]
    return len(values), round(float(values.sum()), 1)


def run(python: str, module: str, workload: str, source: Path) -> tuple[float, tuple[int, float]]:
    """Seconds, and what was answered."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(source.parent / "compiled")
    with tempfile.TemporaryDirectory(dir=source) as place:
        target = Path(place) / "answers"
        command = [python, "-m", f"benchmarks.peers.with_{module}", workload, str(source), str(target)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS_MAX
        )
        if done.returncode:
            raise SystemExit(f"{module}, {workload}: {done.stderr.strip()[-2000:]}")
        return float(done.stdout.split()[-1]), answer(target)


def is_installed(python: str, module: str) -> bool:
    """Whether an interpreter can import it."""
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def lines(workload: str, python: str, directory: Path, peers: dict[str, str], rounds: int) -> Iterator[str]:
    """A line for each peer."""
    small, large = directory / f"{workload}-small", directory / workload
    count = BIDS.get(workload, 0)
    write_inputs(small, workload, WARM_UP, WARM_UP)
    write_inputs(large, workload, count, SIDE)
    run(sys.executable, "actorstream", workload, small)
    for name, module in peers.items():
        if (workload, name) in ABSENT:
            yield f"| {workload} | {name} | | {ABSENT[workload, name]} |"
            continue
        run(python, module, workload, small)
        ratios, speeds = [], []
        for _ in range(rounds):
            theirs, expected = run(python, module, workload, large)
            ours, found = run(sys.executable, "actorstream", workload, large)
            is_whole = (workload, name) not in LAST_STAYS_OPEN
            assert found == expected or (found > expected and not is_whole), f"{workload}: {found}, {name}: {expected}"
            ratios.append(theirs / ours)
            speeds.append((count or 2 * SIDE) / ours)
        speed = statistics.median(speeds)
        spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
        yield f"| {workload} | {name} | {speed / 1e3:,.0f} | {statistics.median(ratios):.1f} ({spread}) |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="Ratios to other processors.")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the others")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help="which, with commas between (all)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each; the median counts (3)")
    chosen = parser.parse_args()
    peers = {name: module for name, module in PEERS.items() if is_installed(chosen.python, module)}
    for name in PEERS.keys() - peers.keys():
        print(f"{name} is not installed for {chosen.python}: left out")
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        print("| workload | beside | ours, thousand records/s | times as fast |")
        print("|---|---|--:|--:|")
        for workload in chosen.workloads.split(","):
            for line in lines(workload, chosen.python, directory, peers, chosen.rounds):
                print(line, flush=True)


if __name__ == "__main__":
    main()
