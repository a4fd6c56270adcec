"""Random numbers as columns: each is a function of a seed, a purpose and the event's number, and of nothing else.

So any stretch of events can be made by itself, and adding a field changes no other. Source: the finalizer of splitmix64
(Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
"""

from __future__ import annotations

import polars as pl
import xxhash

_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def words(number: pl.Expr, seed: int, purpose: str) -> pl.Expr:
    """A random 64-bit word for each event number."""
    stream = _number(purpose, seed)
    word = number.cast(pl.UInt64) * _u64(_GOLDEN) + _u64(stream)
    word = (word ^ (word // _u64(1 << 30))) * _u64(_FIRST)
    word = (word ^ (word // _u64(1 << 27))) * _u64(_SECOND)
    return word ^ (word // _u64(1 << 31))


def below(bound: pl.Expr | int, number: pl.Expr, seed: int, purpose: str) -> pl.Expr:
    """A number in [0, bound) for each event number; the bound may be a column."""
    limit = bound.cast(pl.UInt64) if isinstance(bound, pl.Expr) else _u64(bound)
    return (words(number, seed, purpose) % limit).cast(pl.Int64)


def fraction(number: pl.Expr, seed: int, purpose: str) -> pl.Expr:
    """A float in [0, 1) for each event number."""
    return (words(number, seed, purpose) // _u64(1 << 11)).cast(pl.Float64) / (1 << 53)


def letters(count: int, least: int, most: int, seed: int, purpose: str) -> pl.Series:
    """So many strings of `least` to `most` small letters."""
    made = []
    for index in range(count):
        length = least + _number(f"{purpose} {index}", seed) % (most - least + 1)
        made.append("".join(_letter(f"{purpose} {index} {place}", seed) for place in range(length)))
    return pl.Series(made)


def _letter(what: str, seed: int) -> str:
    return chr(ord("a") + _number(what, seed) % 26)


def _number(what: str, seed: int) -> int:
    return xxhash.xxh64_intdigest(what.encode(), seed)


def _u64(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.UInt64)
