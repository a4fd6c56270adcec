"""All queries, by name."""

from __future__ import annotations

from benchmarks.nexmark.queries import closed, joined, latest, rows, statistics, windowed
from benchmarks.nexmark.query import Query

QUERIES: dict[str, Query] = {
    query.name: query
    for query in sorted(
        [
            *rows.QUERIES,
            *windowed.QUERIES,
            *joined.QUERIES,
            *closed.QUERIES,
            *latest.QUERIES,
            *statistics.QUERIES,
        ],
        key=lambda query: int(query.name[1:]),
    )
}
