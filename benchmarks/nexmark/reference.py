"""The queries' answers, computed once more: by DuckDB, in one batch, over the same events.

The tables have the events' fields (`at` is a word of SQL and called `moment` here), and `own`: the watermark of the
record's partition at the record, itself included. A window counts a record only if it ends after that, which is how a
stream tells what is late. Times are without a zone, in UTC, so that no zone of the machine matters.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import polars as pl

from actorstream import Record
from benchmarks.nexmark.generator import Frames
from benchmarks.nexmark.query import Query

Row = tuple[Any, ...]

FLOOR = """
CREATE MACRO floor_to(moment, seconds) AS
    make_timestamp(epoch_us(moment) - epoch_us(moment) % (seconds * 1000000::BIGINT))
"""


def write(frames: Frames, directory: Path, max_delay: timedelta = timedelta(0)) -> None:
    """Put the events into three files, in the order in which they arrive."""
    for table, frame in frames._asdict().items():
        own = frame.with_columns(own=pl.col("at").cum_max() - max_delay)
        own.write_parquet(directory / f"{table}.parquet")


def connect(directory: Path, *, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """A database with the tables person, auction and bid over these files."""
    database = duckdb.connect(config={} if threads is None else {"threads": threads})
    database.execute(FLOOR)
    for table in Frames._fields:
        path = directory / f"{table}.parquet"
        times = {"at": "moment", "own": "own"} | ({"expires": "expires"} if table == "auctions" else {})
        plain = ", ".join(f'make_timestamp(epoch_us("{time}")) AS {name}' for time, name in times.items())
        others = "* EXCLUDE ({})".format(", ".join(f'"{time}"' for time in times))
        source = f"SELECT {others}, {plain} FROM read_parquet('{path}')"
        database.execute(f"CREATE VIEW {table[:-1]} AS {source}")
    return database


def answers(query: Query, directory: Path) -> list[Row]:
    """What DuckDB answers, sorted."""
    with connect(directory) as database:
        return sorted(map(comparable, database.execute(query.sql).fetchall()))


def found(query: Query, values: list[Record]) -> list[Row]:
    """What a program gave, sorted; of answers that were updated the last."""
    if query.latest:
        values = list({tuple(getattr(value, name) for name in query.latest): value for value in values}.values())
    return sorted(comparable(msgspec.structs.astuple(value)) for value in values)


def comparable(row: Row) -> Row:
    """Times without a zone, floats to twelve digits, Records as tuples."""
    return tuple(map(_comparable, row))


def _comparable(value: Any) -> Any:
    match value:
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).replace(tzinfo=None)
        case float():
            return float(f"{value:.12g}")
        case Record():
            return comparable(msgspec.structs.astuple(value))
        case list() | tuple():
            return comparable(tuple(value))
        case _:
            return value
