"""q0, q1, q2, q10, q14, q21, q22: each bid by itself."""

from __future__ import annotations

import re
from datetime import datetime

import polars as pl

from actorstream import Record
from actorstream.streams.stream import Stream
from benchmarks.nexmark.model import Bid
from benchmarks.nexmark.query import Inputs, Query

EUROS = 0.908


def pass_through(inputs: Inputs) -> Stream[Bid]:
    """q0: every bid as it is."""
    return inputs.bids


class InEuros(Record):
    auction: int
    bidder: int
    price: float
    at: datetime
    extra: str


def currency(inputs: Inputs) -> Stream[InEuros]:
    """q1: prices in another currency."""
    return inputs.bids.select("auction", "bidder", "at", "extra", price=pl.col("price") * EUROS, into=InEuros)


class Offer(Record):
    auction: int
    price: int


def selection(inputs: Inputs) -> Stream[Offer]:
    """q2: bids on some auctions."""
    return inputs.bids.where(pl.col("auction") % 123 == 0).select("auction", "price", into=Offer)


class Logged(Record):
    auction: int
    bidder: int
    price: int
    at: datetime
    extra: str
    day: str
    minute: str


def log(inputs: Inputs) -> Stream[Logged]:
    """q10: bids with the day and minute under which they are filed."""
    when = pl.col("at").dt
    return inputs.bids.select(
        "auction",
        "bidder",
        "price",
        "at",
        "extra",
        day=when.strftime("%Y-%m-%d"),
        minute=when.strftime("%H:%M"),
        into=Logged,
    )


class Calculated(Record):
    auction: int
    bidder: int
    price: float
    time_of_day: str
    at: datetime
    extra: str
    letters_c: int


def calculation(inputs: Inputs) -> Stream[Calculated]:
    """q14: some arithmetic, a case distinction, and a count of letters."""
    hour = pl.col("at").dt.hour()
    night = (hour <= 6) | (hour >= 20)
    day = (hour >= 8) & (hour <= 18)
    return inputs.bids.where((pl.col("price") * EUROS).is_between(1_000_000, 50_000_000, closed="none")).select(
        "auction",
        "bidder",
        "at",
        "extra",
        price=pl.col("price") * EUROS,
        time_of_day=pl.when(day).then(pl.lit("day")).when(night).then(pl.lit("night")).otherwise(pl.lit("other")),
        letters_c=pl.col("extra").str.count_matches("c", literal=True).cast(pl.Int64),
        into=Calculated,
    )


class Channelled(Record):
    auction: int
    bidder: int
    price: int
    channel: str
    channel_id: str


KNOWN = {"apple": "0", "google": "1", "facebook": "2", "baidu": "3"}
CHANNEL_ID = re.compile(r"[&?]channel_id=([^&]*)")


def channel_id(bid: Bid) -> str | None:
    """The number of a known channel, else what the address tells."""
    told = CHANNEL_ID.search(bid.url)
    return KNOWN.get(bid.channel.lower()) or (told[1] if told else None)


def channels(inputs: Inputs) -> Stream[Channelled]:
    """q21: each bid with its channel's number, if it has one: Python functions over rows."""

    @inputs.bids.flat_map
    def channelled(bid: Bid) -> list[Channelled]:
        number = channel_id(bid)
        return [] if number is None else [Channelled(bid.auction, bid.bidder, bid.price, bid.channel, number)]

    return channelled


class Directories(Record):
    auction: int
    bidder: int
    price: int
    channel: str
    first: str
    second: str
    third: str


def directories(inputs: Inputs) -> Stream[Directories]:
    """q22: the parts of the address."""
    part = pl.col("url").str.split("/").list
    return inputs.bids.select(
        "auction",
        "bidder",
        "price",
        "channel",
        first=part.get(3),
        second=part.get(4),
        third=part.get(5),
        into=Directories,
    )


QUERIES = [
    Query(
        "q0", "pass through", pass_through, Bid, "SELECT auction, bidder, price, channel, url, moment, extra FROM bid"
    ),
    Query(
        "q1",
        "currency conversion",
        currency,
        InEuros,
        "SELECT auction, bidder, price * 0.908::DOUBLE, moment, extra FROM bid",
    ),
    Query("q2", "selection", selection, Offer, "SELECT auction, price FROM bid WHERE auction % 123 = 0"),
    Query(
        "q10",
        "log by day and minute",
        log,
        Logged,
        """
        SELECT auction, bidder, price, moment, extra, strftime(moment, '%Y-%m-%d'), strftime(moment, '%H:%M')
        FROM bid
        """,
    ),
    Query(
        "q14",
        "calculation",
        calculation,
        Calculated,
        """
        SELECT auction, bidder, price * 0.908::DOUBLE,
            CASE WHEN hour(moment) BETWEEN 8 AND 18 THEN 'day' WHEN hour(moment) <= 6 OR hour(moment) >= 20 THEN 'night'
                ELSE 'other' END,
            moment, extra, length(extra) - length(replace(extra, 'c', ''))
        FROM bid WHERE price * 0.908::DOUBLE > 1000000 AND price * 0.908::DOUBLE < 50000000
        """,
    ),
    Query(
        "q21",
        "channel number",
        channels,
        Channelled,
        """
        SELECT auction, bidder, price, channel, number FROM (
            SELECT *, CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2'
                WHEN 'baidu' THEN '3' ELSE nullif(regexp_extract(url, '[&?]channel_id=([^&]*)', 1), '') END AS number
            FROM bid
        ) WHERE number IS NOT NULL
        """,
    ),
    Query(
        "q22",
        "directories of the address",
        directories,
        Directories,
        """
        SELECT auction, bidder, price, channel, split_part(url, '/', 4), split_part(url, '/', 5),
            split_part(url, '/', 6)
        FROM bid
        """,
    ),
]
