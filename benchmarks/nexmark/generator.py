"""Makes the events: seeded, in order of time, at a fixed rate, as columns or as Records.

Of 50 events in a row the first is a person, three are auctions, 46 are bids. What is referred to exists: each auction
is of a person before it, each bid on an auction and by a person before it. Three of four auctions are of a hot seller,
one of two bids is on the hot auction, three of four by a hot bidder; who is hot changes with every hundredth of its
kind. The others are spread over the latest 1,000 persons and the latest 100 auctions. Prices are spread evenly over six
orders of magnitude. No two events have the same time.

It differs from the suites of Beam and Flink in that nobody refers to what is still to come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

from benchmarks.nexmark import chance
from benchmarks.nexmark.model import Auction, Bid, Person

CYCLE, AUCTIONS = 50, 3
FIRST_ID, FIRST_CATEGORY, CATEGORIES = 1000, 10, 5
ACTIVE_PERSONS, OPEN_AUCTIONS = 1000, 100
HOT_EVERY = 100
HOT_SELLERS, HOT_AUCTIONS, HOT_BIDDERS, HOT_CHANNELS = 4, 2, 4, 2
"""One of so many is not hot."""

FIRST_NAMES = ["Ada", "Blaise", "Carla", "Dana", "Edsger", "Frances", "Grace", "Hedy", "Ida", "Joan", "Kurt"]
LAST_NAMES = ["Abel", "Bell", "Curie", "Dirac", "Euler", "Fermi", "Gauss", "Hertz", "Ising"]
STATES = ["AZ", "CA", "ID", "OR", "WA", "WY"]
CITIES = [
    "Phoenix",
    "Los Angeles",
    "San Francisco",
    "Boise",
    "Portland",
    "Bend",
    "Redmond",
    "Seattle",
    "Kent",
    "Cheyenne",
]
CHANNELS = ["Google", "Facebook", "Baidu", "Apple"]
COLD_CHANNELS = 10_000
SITE = "https://www.nexmark.example"


class Frames(NamedTuple):
    """The events as columns, each kind in order of time."""

    persons: pl.DataFrame
    auctions: pl.DataFrame
    bids: pl.DataFrame


class Events(NamedTuple):
    """The events as Records."""

    persons: list[Person]
    auctions: list[Auction]
    bids: list[Bid]


@dataclass(frozen=True)
class Generator:
    """The events numbered from 0; equal settings give equal events.

    Args:
        seed: chooses all that is random.
        events_per_second: of event time, at most 1,000,000; it divides 1,000,000, so that times are whole microseconds.
        start: the time of the first event.
    """

    seed: int = 1
    events_per_second: int = 10_000
    start: datetime = datetime(2024, 1, 1, 12, tzinfo=UTC)

    def __post_init__(self) -> None:
        if self.events_per_second < 1 or 1_000_000 % self.events_per_second:
            raise ValueError(f"events_per_second is {self.events_per_second}; give a divisor of 1000000")

    @property
    def interval_us(self) -> int:
        """Between two events."""
        return 1_000_000 // self.events_per_second

    def frames(self, count: int, first: int = 0) -> Frames:
        """The events with numbers in [first, first + count)."""
        numbers = pl.DataFrame({"n": pl.int_range(first, first + count, eager=True, dtype=pl.Int64)})
        place = pl.col("n") % CYCLE
        return Frames(
            self._persons(numbers.filter(place == 0)),
            self._auctions(numbers.filter((place > 0) & (place <= AUCTIONS))),
            self._bids(numbers.filter(place > AUCTIONS)),
        )

    def events(self, count: int, first: int = 0) -> Events:
        """The same, as Records."""
        persons, auctions, bids = self.frames(count, first)
        return Events(
            [Person(*row) for row in persons.iter_rows()],
            [Auction(*row) for row in auctions.iter_rows()],
            [Bid(*row) for row in bids.iter_rows()],
        )

    def _persons(self, numbers: pl.DataFrame) -> pl.DataFrame:
        first, last = self._choice(FIRST_NAMES, "first name"), self._choice(LAST_NAMES, "last name")
        domain = self._choice(list(chance.letters(100, 5, 8, self.seed, "domain")), "domain")
        card = self._below(10**8, "card") * 10**8 + self._below(10**8, "card end")
        return numbers.select(
            id=FIRST_ID + pl.col("n") // CYCLE,
            name=first + " " + last,
            email=first.str.to_lowercase() + "@" + domain + ".example",
            credit_card=card.cast(pl.String).str.zfill(16),
            city=self._choice(CITIES, "city"),
            state=self._choice(STATES, "state"),
            at=self._at(),
            extra=self._letters(40, 90, "of a person"),
        )

    def _auctions(self, numbers: pl.DataFrame) -> pl.DataFrame:
        person = pl.col("n") // CYCLE
        open_us = OPEN_AUCTIONS * CYCLE // AUCTIONS * self.interval_us
        price = self._price("initial bid")
        return numbers.select(
            id=FIRST_ID + person * AUCTIONS + pl.col("n") % CYCLE - 1,
            item=self._letters(5, 20, "item"),
            description=self._letters(50, 100, "description"),
            initial_bid=price,
            reserve=price + self._price("reserve"),
            at=self._at(),
            expires=self._at() + pl.duration(microseconds=1000 + self._below(max(2 * open_us, 1), "open")),
            seller=FIRST_ID + self._hot_or(person, ACTIVE_PERSONS, HOT_SELLERS, 0, "seller"),
            category=FIRST_CATEGORY + self._below(CATEGORIES, "category"),
            extra=self._letters(200, 400, "of an auction"),
        )

    def _bids(self, numbers: pl.DataFrame) -> pl.DataFrame:
        person = pl.col("n") // CYCLE
        auction = person * AUCTIONS + AUCTIONS - 1
        channel = pl.when(self._below(HOT_CHANNELS, "is hot") > 0).then(self._below(len(CHANNELS), "channel"))
        cold = len(CHANNELS) + self._below(COLD_CHANNELS, "cold channel")
        frame = numbers.with_columns(channel=channel.otherwise(cold)).select(
            auction=FIRST_ID + self._hot_or(auction, OPEN_AUCTIONS, HOT_AUCTIONS, 0, "auction"),
            bidder=FIRST_ID + self._hot_or(person, ACTIVE_PERSONS, HOT_BIDDERS, 1, "bidder"),
            price=self._price("price"),
            channel=pl.col("channel"),
            at=self._at(),
            extra=self._letters(20, 60, "of a bid"),
        )
        names, urls = self._channels()
        return frame.select(
            "auction",
            "bidder",
            "price",
            channel=pl.lit(names).gather(pl.col("channel")),
            url=pl.lit(urls).gather(pl.col("channel")),
            at="at",
            extra="extra",
        )

    def _channels(self) -> tuple[pl.Series, pl.Series]:
        """The names and addresses of all channels; nine in ten of the cold ones tell their number."""
        seed, index = self.seed, pl.col("index")
        every = pl.DataFrame({"index": pl.int_range(len(CHANNELS) + COLD_CHANNELS, eager=True)})
        parts = [self._letters(3, 5, f"part {part}", index) for part in range(3)]
        number = (index - len(CHANNELS)).cast(pl.String)
        tells = (index >= len(CHANNELS)) & (chance.below(10, index, seed, "tells") > 0)
        made = every.select(
            name=pl.when(index < len(CHANNELS)).then(pl.lit("")).otherwise("channel-" + number),
            url=pl.concat_str(pl.lit(SITE), *parts, pl.lit("item.htm?query=1"), separator="/")
            + pl.when(tells).then("&channel_id=" + number).otherwise(pl.lit("")),
        )
        return pl.Series(CHANNELS).append(made["name"][len(CHANNELS) :]), made["url"]

    def _at(self) -> pl.Expr:
        start = pl.lit(self.start).cast(pl.Datetime("us", "UTC"))
        return start + pl.duration(microseconds=pl.col("n") * self.interval_us)

    def _hot_or(self, last: pl.Expr, active: int, ratio: int, which: int, purpose: str) -> pl.Expr:
        """The hot one of the latest hundred, or one of the last `active`, up to number `last`."""
        hot = pl.min_horizontal(last // HOT_EVERY * HOT_EVERY + which, last)
        among = pl.min_horizontal(last + 1, active)
        cold = last - chance.below(among, pl.col("n"), self.seed, purpose)
        return pl.when(self._below(ratio, f"hot {purpose}") > 0).then(hot).otherwise(cold)

    def _price(self, purpose: str) -> pl.Expr:
        power = chance.fraction(pl.col("n"), self.seed, purpose) * 6
        return (pl.lit(10.0).pow(power) * 100).round().cast(pl.Int64)

    def _below(self, bound: int, purpose: str) -> pl.Expr:
        return chance.below(bound, pl.col("n"), self.seed, purpose)

    def _choice(self, among: Sequence[str], purpose: str) -> pl.Expr:
        return pl.lit(pl.Series(among)).gather(self._below(len(among), purpose))

    def _letters(self, least: int, most: int, purpose: str, number: pl.Expr | None = None) -> pl.Expr:
        """One of 200 made strings."""
        made = chance.letters(200, least, most, self.seed, purpose)
        which = chance.below(len(made), pl.col("n") if number is None else number, self.seed, purpose)
        return pl.lit(made).gather(which)


def out_of_order(frame: pl.DataFrame, most: timedelta, seed: int) -> pl.DataFrame:
    """The same rows in another order, each delayed by less than `most`."""
    return delayed(frame, most, seed, one_in=1)


def delayed(frame: pl.DataFrame, most: timedelta, seed: int, *, one_in: int) -> pl.DataFrame:
    """The same rows as they arrive when one in so many is delayed by less than `most`."""
    most_us = most // timedelta(microseconds=1)
    row = pl.int_range(pl.len())
    delay = chance.below(most_us, row, seed, "delay")
    is_delayed = chance.below(one_in, row, seed, "is delayed") == 0
    arrival = pl.col("at").dt.timestamp("us") + pl.when(is_delayed).then(delay).otherwise(0)
    return frame.sort(arrival, maintain_order=True)
