"""A few thousand events of an auction, and programs over them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from actorstream import App, Record
from benchmarks.nexmark.generator import Events, Frames, Generator, delayed, out_of_order
from benchmarks.nexmark.model import Auction, Bid, Person
from benchmarks.nexmark.query import Inputs, Query

COUNT = 4_000
GENERATOR = Generator(events_per_second=50)
MAX_DELAY = timedelta(seconds=3)
TYPES: tuple[type[Record], ...] = (Person, Auction, Bid)


def in_order() -> Frames:
    """Eighty seconds of events."""
    return GENERATOR.frames(COUNT)


def shuffled() -> Frames:
    """The same, each delayed by less than is allowed."""
    return Frames(*(out_of_order(frame, MAX_DELAY, seed) for seed, frame in enumerate(in_order())))


def with_late() -> Frames:
    """The same, one in ten delayed by up to 20 seconds."""
    late = timedelta(seconds=20)
    return Frames(*(delayed(frame, late, seed, one_in=10) for seed, frame in enumerate(in_order())))


def records(frames: Frames) -> Events:
    """As Records."""
    return Events(*(_records(kind, frame) for kind, frame in zip(TYPES, frames, strict=True)))


def _records(kind: type[Record], frame: pl.DataFrame) -> Any:
    return [kind(*row) for row in frame.iter_rows()]


def inputs(app: App, events: Sequence[Any]) -> Inputs:
    """The streams of a query: over lists, or over topics."""
    streams = [
        app.stream(source, event_time="at", max_delay=MAX_DELAY, name=name)
        for name, source in zip(Events._fields, events, strict=True)
    ]
    return Inputs(app, *streams)


def answered(query: Query, events: Events) -> list[Any]:
    """All that the query's program gives."""
    app = App(query.name)
    return app.collect(query.build(inputs(app, events)))
