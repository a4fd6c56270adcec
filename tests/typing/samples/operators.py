"""What a type checker knows of each operator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, assert_type

import polars as pl

from actorstream import (
    App,
    Gap,
    Key,
    ListState,
    MapState,
    Match,
    Record,
    State,
    Timer,
    ValueState,
    Window,
    agg,
    pattern,
    sliding,
    tumbling,
)
from actorstream.model.topic import Topic
from actorstream.streams.keyed import KeyedStream
from actorstream.streams.pattern_stream import MatchResult
from actorstream.streams.stream import Stream
from actorstream.streams.table import Table
from actorstream.testing import run


class Payment(Record):
    """A value with a default."""

    card: str
    amount: float
    at: datetime
    note: str = ""


class Card(Record):
    """A row of a table."""

    id: str
    owner: str


class Total(Record):
    """A result."""

    card: str
    total: float


app = App("typed")
payments = app.topic("payments", Payment, partitions=4, key="card")
cards = app.topic("cards", Card, compacted=True)
anything = app.topic("anything")
assert_type(payments, Topic[Payment])
assert_type(anything, Topic[Any])

stream = app.stream(payments, event_time="at", max_delay=timedelta(seconds=2))
assert_type(stream, Stream[Payment])
assert_type(app.stream([1, 2, 3]), Stream[int])
assert_type(Payment("a", 1.0, datetime(2024, 1, 1)).replace(amount=2.0), Payment)

# --- rows ------------------------------------------------------------------------------------------------------------


@stream.map
def amount(payment: Payment) -> float:
    """One for each."""
    return payment.amount


async def ask(payment: Payment) -> str:
    """Awaited, once it is given to `map`."""
    return payment.note


@stream.map
async def asked(payment: Payment) -> int:
    """Awaited."""
    return len(payment.note)


@stream.map(concurrency=4, ordered=False)
async def asked_at_once(payment: Payment) -> str:
    """Awaited, several at a time."""
    return payment.note


@stream.map(name="length")
def length_of(payment: Payment) -> int:
    """Not awaited."""
    return len(payment.note)


@stream.filter(name="large")
def large(payment: Payment) -> bool:
    """Those that hold."""
    return payment.amount > 100


@stream.flat_map
def words(payment: Payment) -> Iterator[str]:
    """Any number."""
    yield from payment.note.split()


@stream.tap
def look(payment: Payment) -> None:
    """Nothing but a look."""


assert_type(amount, Stream[float])
assert_type(asked, Stream[int])
assert_type(asked_at_once, Stream[str])
assert_type(length_of, Stream[int])
assert_type(stream.map(ask, concurrency=2, name="again"), Stream[str])
assert_type(large, Stream[Payment])
assert_type(words, Stream[str])
assert_type(look, Stream[Payment])
assert_type(stream.map(lambda payment: payment.card, name="card"), Stream[str])
assert_type(amount.union(amount), Stream[float])
assert_type(stream.union(words), Stream[Payment | str])

# --- columns ---------------------------------------------------------------------------------------------------------


@stream.map_batches(into=Total)
def totals(frame: pl.DataFrame) -> pl.DataFrame:
    """A function over frames."""
    return frame.select("card", total=pl.col("amount"))


assert_type(totals, Stream[Total])
assert_type(stream.where(pl.col("amount") > 1), Stream[Payment])
assert_type(stream.select("card", total=pl.col("amount"), into=Total), Stream[Total])

# --- keys ------------------------------------------------------------------------------------------------------------


@stream.key_by
def card(payment: Payment) -> str:
    """Whose it is."""
    return payment.card


by_field = stream.key_by("card")
assert_type(card, KeyedStream[str, Payment])
assert_type(by_field, KeyedStream[Any, Payment])
assert_type(card.filter(lambda payment: payment.amount > 0), KeyedStream[str, Payment])
assert_type(card.where(pl.col("amount") > 0), KeyedStream[str, Payment])
large, small = card.split(large=lambda payment: payment.amount > 100, small=lambda payment: True)
assert_type(large, KeyedStream[str, Payment])
assert_type(stream.split(large=lambda payment: payment.amount > 100), tuple[Stream[Payment], ...])
assert_type(card.reduce(lambda one, other: other, name="newest", parallelism=4), Stream[Payment])
assert_type(card.map(lambda payment: payment.amount), Stream[float])


@card.tap
def noted(payment: Payment) -> None:
    """The key stays."""


assert_type(noted, KeyedStream[str, Payment])

# --- windows and running results -------------------------------------------------------------------------------------

hourly = card.window(sliding("1h", every="10m"), allowed_lateness="5m", emit="change")


@hourly
def largest(window: Window[str, Payment]) -> float:
    """A value for each window."""
    return max(payment.amount for payment in window)


@hourly
def each(window: Window[str, Payment]) -> Iterator[Payment]:
    """Several."""
    yield from window


@hourly
def some(window: Window[str, Payment]) -> int | None:
    """One, or none."""
    return len(window) if window.key else None


counted = hourly.aggregate(Total, total=agg.sum("amount"))
assert_type(hourly.late, Stream[Payment])
assert_type(counted.map(lambda total: total.total), Stream[float])
assert_type(largest.map(lambda most: most), Stream[float])
assert_type(each.map(lambda payment: payment.card), Stream[str])
assert_type(some.map(lambda number: number), Stream[int])
assert_type(counted.late, Stream[Any])
assert_type(card.aggregate(Total, total=agg.sum("amount")), Stream[Total])
assert_type(card.reduce(lambda one, other: max(one, other, key=lambda p: p.amount), name="most"), Stream[Payment])

# --- process ---------------------------------------------------------------------------------------------------------


@card.process
def detect(
    payment: Payment,
    whose: Key[str],
    recent: ListState[Payment],
    total: Annotated[ValueState[float], State(default=0.0)],
    seen: MapState[str, int],
    timer: Timer,
) -> Iterator[Total]:
    """State by annotation."""
    recent.append(payment)
    seen[payment.note] = seen.get(payment.note, 0) + len(recent)
    total.set((total.get() or 0.0) + payment.amount)
    timer.at(payment.at + timedelta(minutes=5))
    timer.after("10s")
    yield Total(whose, total.get() or 0.0)


@detect.on_timer
def forget(at: datetime, recent: ListState[Payment]) -> None:
    """A function it stays."""
    recent.clear()


@card.process
def first(payment: Payment, seen: ValueState[bool]) -> Payment | None:
    """One, or none."""
    if seen.get():
        return None
    seen.set(True)
    return payment


assert_type(detect.map(lambda total: total.total), Stream[float])
assert_type(first.map(lambda payment: payment.card), Stream[str])
forget(datetime(2024, 1, 1), ListState([Payment("a", 1.0, datetime(2024, 1, 1))]))

# --- joins -----------------------------------------------------------------------------------------------------------

owners = app.table(cards, key="id")
pair = pattern(large).then(lambda payment: payment.amount < 1, name="small").within("5m")


@card.match(pair)
def matched(match: Match[str, Payment]) -> float | None:
    """A match knows its key and its records."""
    assert_type(match.key, str)
    return match["large"].amount


assert_type(matched, MatchResult[float])
assert_type(app.stream(payments).gaps, Stream[Gap])

assert_type(owners, Table[Any, Card])


@by_field.join(owners)
def owned(payment: Payment, card: Card | None) -> str:
    """Both sides."""
    return card.owner if card else payment.card


assert_type(owned, Stream[str])

# --- ends, and running -----------------------------------------------------------------------------------------------


@owned.sink
def show(owner: str) -> None:
    """A function it stays."""


@app.source
async def ticks() -> AsyncIterator[int]:
    """A source of one's own."""
    yield 1


owned.to(anything)
assert_type(app.collect(amount, limit=3), list[float])
output = run(app, {payments: [Payment("a", 1.0, datetime(2024, 1, 1))]})
assert_type(output[anything], list[Any])
print(tumbling("10s"), large(Payment("a", 1.0, datetime(2024, 1, 1))))
