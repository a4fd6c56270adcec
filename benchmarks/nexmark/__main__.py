"""How fast each query is answered: `python -m benchmarks.nexmark [--events N] [--queries q0,q1] [--rounds N]`.

Ours is a whole `app.run` over Parquet files and a fresh data directory, start and stop included, with checkpoints every
100 ms. Beside it DuckDB answers the same question over the same files in one batch, with as many threads as it likes.
Answers must be equally many. Records are those of the streams that a query reads.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from actorstream import App, Record
from actorstream.connectors import files
from benchmarks.nexmark import reference
from benchmarks.nexmark.catalogue import QUERIES
from benchmarks.nexmark.generator import Frames, Generator
from benchmarks.nexmark.model import Auction, Bid, Person
from benchmarks.nexmark.query import Inputs, Query

T = TypeVar("T")
MAX_DELAY = timedelta(0)
TYPES: tuple[type[Record], ...] = (Person, Auction, Bid)


class Answers:
    """The end of a query's path: counts, and keeps which answers are the last of their key."""

    def __init__(self, latest: Sequence[str]) -> None:
        self.count = 0
        self._latest = tuple(latest)
        self._keys: set[Any] = set()

    def write(self, values: list[Any]) -> None:
        """A batch of answers."""
        self.count += len(values)
        if self._latest:
            self._keys.update(tuple(getattr(value, name) for name in self._latest) for value in values)

    def final(self) -> int:
        """How many there are when updated ones count once."""
        return len(self._keys) if self._latest else self.count


def ours(query: Query, directory: Path) -> int:
    """Answer by a job; gives the number of answers."""
    app = App(query.name)
    sources = zip(Frames._fields, TYPES, strict=True)
    streams = [
        app.stream(files.parquet(directory / f"{name}.parquet", kind), event_time="at", max_delay=MAX_DELAY, name=name)
        for name, kind in sources
    ]
    answers = Answers(query.latest)
    query.build(Inputs(app, *streams)).to(answers)
    with tempfile.TemporaryDirectory(dir=directory) as data:
        app.run(data=data)
    return answers.final()


def duckdb(query: Query, directory: Path) -> int:
    """Answer in one batch; gives the number of answers."""
    with reference.connect(directory) as database:
        database.execute(f"CREATE TEMP TABLE answers AS FROM ({query.sql}) AS found")
        (count,) = database.execute("SELECT count(*) FROM answers").fetchall()[0]
    return int(count)


def timed(work: Callable[..., T], *arguments: Any) -> tuple[float, T]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - start, result


def measure(query: Query, directory: Path, sizes: dict[str, int], rounds: int) -> str:
    """A line of the table."""
    records = sum(sizes[name] for name in query.reads)
    ratios, speeds, expected = [], [], 0
    for _ in range(rounds):
        floor_seconds, expected = timed(duckdb, query, directory)
        seconds, count = timed(ours, query, directory)
        assert count == expected, f"{query.name}: {count} answers, DuckDB has {expected}"
        ratios.append(floor_seconds / seconds)
        speeds.append(records / seconds)
    speed, ratio = statistics.median(speeds), statistics.median(ratios)
    return f"| {query.name} | {query.title} | {records:,} | {expected:,} | {speed / 1e3:,.0f} | {ratio:.0%} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nexmark", description="How fast Nexmark's queries are.")
    parser.add_argument("--events", type=int, default=1_000_000, help="how many events in all (1,000,000)")
    parser.add_argument("--rate", type=int, default=10_000, help="events a second of event time (10,000)")
    parser.add_argument("--queries", default=",".join(QUERIES), help="which, with commas between (all)")
    parser.add_argument("--rounds", type=int, default=1, help="how often; the median is shown (1)")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.queries.split(",") if name not in QUERIES]
    if unknown:
        parser.error(f"no query is called {', '.join(unknown)}; there are {', '.join(QUERIES)}")
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        seconds, frames = timed(Generator(events_per_second=chosen.rate).frames, chosen.events)
        print(f"{chosen.events:,} events made in {seconds:.1f} s\n")
        reference.write(frames, directory)
        sizes = {name: len(frame) for name, frame in frames._asdict().items()}
        del frames
        print("| query | | records | answers | thousand records/s | of DuckDB in one batch |")
        print("|---|---|--:|--:|--:|--:|")
        for name in chosen.queries.split(","):
            print(measure(QUERIES[name], directory, sizes, chosen.rounds), flush=True)


if __name__ == "__main__":
    main()
