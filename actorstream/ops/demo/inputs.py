"""The demo's input: the rows of the packaged Parquet files as Records, in the order in which they are produced.

Guarantees: the order is the same every time and everywhere, so that where producing stopped, it can go on. Flights come
mildly out of order, as the real world's do: each by less than `JITTER_SECONDS`, so that a `max_delay` of five minutes
covers it.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Final

from actorstream.ops.demo.job import Flight, Weather
from actorstream.streams.frames import frame_to_rows

if TYPE_CHECKING:
    import polars

JITTER_SECONDS: Final = 300
_SCATTER: Final = 2_654_435_761  # Knuth's multiplier: neighbours land far apart.


def read_flights() -> list[Flight]:
    """All 336,776 flights; event time is the scheduled departure."""
    import polars

    frame = _table("flights").with_columns(
        scheduled=polars.col("time_hour") + polars.duration(minutes=polars.col("minute"))
    )
    jitter = polars.int_range(polars.len(), dtype=polars.Int64) * _SCATTER % JITTER_SECONDS
    arrives = polars.col("scheduled") + polars.duration(seconds=jitter)
    return frame_to_rows(frame.sort(arrives, maintain_order=True), Flight)


def read_weather() -> list[Weather]:
    """All 26,115 hours of weather, by hour."""
    return frame_to_rows(_table("weather").rename({"hour": "local_hour", "time_hour": "hour"}), Weather)


def _table(name: str) -> polars.DataFrame:
    import polars

    with as_file(files("actorstream.ops.demo") / "data" / f"{name}.parquet") as path:
        return polars.read_parquet(path)
