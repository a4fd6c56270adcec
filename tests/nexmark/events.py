"""A few thousand events of an auction, and programs over them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import polars as pl

from actorstream import App, Record
from actorstream.model.topic import Topic
from benchmarks.nexmark.generator import Events, Frames, Generator, delayed, out_of_order
from benchmarks.nexmark.model import Auction, Bid, Person
from benchmarks.nexmark.query import Inputs, Query

COUNT = 4_000
GENERATOR = Generator(events_per_second=50)
MAX_DELAY = timedelta(seconds=3)
TYPES: tuple[type[Record], ...] = (Person, Auction, Bid)
KEYS = ("id", "seller", "bidder")


def in_order(count: int = COUNT) -> Frames:
    """Eighty seconds of events."""
    return GENERATOR.frames(count)


def shuffled(count: int = COUNT, seed: int = 0) -> Frames:
    """The same, each delayed by less than is allowed."""
    return Frames(*(out_of_order(frame, MAX_DELAY, seed + place) for place, frame in enumerate(in_order(count))))


def with_late() -> Frames:
    """The same, one in ten delayed by up to 20 seconds."""
    late = timedelta(seconds=20)
    return Frames(*(delayed(frame, late, seed, one_in=10) for seed, frame in enumerate(in_order())))


def records(frames: Frames) -> Events:
    """As Records."""
    return Events(*(_records(kind, frame) for kind, frame in zip(TYPES, frames, strict=True)))


def _records(kind: type[Record], frame: pl.DataFrame) -> Any:
    return [kind(*row) for row in frame.iter_rows()]


def inputs(app: App, sources: Sequence[Any]) -> Inputs:
    """The streams of a query: over lists, or over topics."""
    streams = [
        app.stream(source, event_time="at", max_delay=MAX_DELAY, name=f"read_{name}")
        for name, source in zip(Events._fields, sources, strict=True)
    ]
    return Inputs(app, *streams)


def answered(query: Query, events: Events) -> list[Any]:
    """All that the query's program gives over lists."""
    app = App(query.name)
    return app.collect(query.build(inputs(app, events)))


class Program(NamedTuple):
    """A query over topics, into one."""

    app: App
    given: dict[Topic[Any], list[Any]]
    answers: Topic[Any]


def over_topics(query: Query, events: Events, *, partitions: int = 1) -> Program:
    """The same program over topics, and what is in them."""
    app = App(query.name)
    topics = [
        app.topic(name, kind, partitions=partitions, key=key)
        for name, kind, key in zip(Events._fields, TYPES, KEYS, strict=True)
    ]
    answers = app.topic("answers", query.gives)
    query.build(inputs(app, topics)).to(answers)
    given = {topic: values for topic, values in zip(topics, events, strict=True) if topic.name in query.reads}
    return Program(app, given, answers)
