"""Steps of which random plans are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from actorstream import App, agg, tumbling
from tests.streams.makers import Event

Step = Callable[["Built"], Any]


@dataclass
class Built:
    """A plan as far as it is built: the newest stream, and another one to bring in."""

    app: App
    stream: Any
    other: Any


def _map(value: Event) -> Event:
    return value.replace(value=value.value * 3)


def _is_odd(value: Event) -> bool:
    return value.value % 2 == 1


def _windows(built: Built, **options: Any) -> Any:
    windows = built.stream.key_by("key").window(tumbling("4s"))
    return windows.aggregate(Event, **options, value=agg.sum("value"), at=agg.max("at"))


STEPS: dict[str, Step] = {
    "where": lambda built: built.stream.where(pl.col("value") > 2),
    "where key": lambda built: built.stream.where(pl.col("key") != "b"),
    "keyed where": lambda built: built.stream.key_by("key").where(pl.col("value") % 3 > 0).where(pl.col("value") < 50),
    "with_columns": lambda built: built.stream.with_columns(value=pl.col("value") + 1, into=Event),
    "with other": lambda built: built.stream.with_columns(key=pl.col("key") + "b", into=Event),
    "select": lambda built: built.stream.select("at", "value", "key", into=Event),
    "map": lambda built: built.stream.map(_map, name=f"{built.stream.name}.tripled"),
    "filter": lambda built: built.stream.filter(lambda one: one.value % 2 == 0),
    "keyed filter": lambda built: built.stream.key_by("key").filter(lambda one: one.value > 3),
    "union": lambda built: built.stream.union(built.other),
    "with itself": lambda built: built.stream.where(pl.col("value") > 3).union(built.stream),
    "split": lambda built: built.stream.key_by("key").split(odd=_is_odd, rest=lambda one: True)[0],
    "windows": _windows,
    "divided windows": lambda built: _windows(built, parallelism=3),
}
