"""The demo's results, computed once more: by DuckDB, in one batch, over the same Parquet files.

Times are microseconds since 1970, so that no time zone of the session matters. Nothing of ours is used but the files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

import actorstream.ops.demo

DATA = Path(actorstream.ops.demo.__file__).parent / "data"

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US

DEPARTURES = """
create table departures as
select f.origin, f.carrier, f.dep_time is null as cancelled, f.dep_delay as delay, w.wind_speed as wind,
    w.visib as visibility, epoch_us(f.time_hour) + f.minute * 60000000 as moment
from (from read_parquet($flights) where time_hour < make_timestamptz($until)) f
left join read_parquet($weather) w on f.origin = w.origin and f.time_hour = w.time_hour
"""

DAYS = f"""
select origin, moment - moment % {DAY_US} as start, count(*), count(*) filter (cancelled), avg(delay), max(delay),
    max(wind), min(visibility)
from departures group by 1, 2 order by 2, 1
"""

CARRIERS = f"""
select carrier, (moment // {HOUR_US} + hours) * {HOUR_US} as end_us, count(*), count(*) filter (delay > 60),
    avg((delay > 60)::int)
from departures, unnest(range(1, 7)) as steps(hours) where delay is not null group by 1, 2 order by 2, 1
"""

ALERTS = f"""
select origin, moment - moment % {3 * HOUR_US} as start, count(*), avg(delay)
from departures where delay is not null group by 1, 2 having avg(delay) > 45 order by 2, 1
"""

FAR_AWAY_US = 10**16


def expected(query: str, *, until_us: int = FAR_AWAY_US) -> list[tuple[Any, ...]]:
    """The rows of a query over all flights whose scheduled hour is before `until_us`."""
    with duckdb.connect() as database:
        database.execute(
            DEPARTURES,
            {"flights": str(DATA / "flights.parquet"), "weather": str(DATA / "weather.parquet"), "until": until_us},
        )
        return database.execute(query).fetchall()
