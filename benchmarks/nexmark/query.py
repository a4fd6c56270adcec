"""What a query is: a program over the three streams, and the same question in SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from actorstream import App, Record
from actorstream.streams.stream import Stream
from benchmarks.nexmark.model import Auction, Bid, Person


@dataclass(frozen=True)
class Inputs:
    """The streams that a query may read, in event time."""

    app: App
    persons: Stream[Person]
    auctions: Stream[Auction]
    bids: Stream[Bid]


class Query(NamedTuple):
    """One question, asked twice.

    Args:
        name: "q0" to "q22".
        title: what is asked.
        build: the question as a program; the stream of its answers.
        gives: the type of an answer.
        sql: the same for DuckDB, over the tables person, auction and bid; its columns are the answers' fields.
        latest: where answers are updated as time goes: the fields under which only the last one counts.
        final: records that come too late find answers that are final, so that it matters how late they come.
        reads: which of the three streams.
    """

    name: str
    title: str
    build: Callable[[Inputs], Stream[Any]]
    gives: type[Record]
    sql: str
    reads: tuple[str, ...] = ("bids",)
    latest: tuple[str, ...] = ()
    final: bool = False
