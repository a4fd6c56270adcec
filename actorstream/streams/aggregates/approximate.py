"""`approx_distinct`: about how many different values there are, in a bounded state.

Theory of operation. Each value is hashed to 64 bits. Up to `_HASHES_MAX` different hashes are kept as they are, sorted,
and the answer is their number. Beyond that there are 2**14 registers (HyperLogLog): the first 14 bits of a hash choose
one, which holds the largest number of leading zeros that the rest of such a hash had, and one more. From how many
registers hold what, the number of values follows with a standard error of 1.04 / sqrt(2**14), which is 0.8 %.

Both forms follow from the set of hashes alone. So neither the order of arrival nor how groups were merged shows in the
answer; common libraries keep running estimates beside the registers, which do depend on the order.

Sources: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog" (2007); Ertl, "New cardinality estimation algorithms for
HyperLogLog sketches" (2017), whose improved raw estimator needs no tables of corrections.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import xxhash

from actorstream.errors import BadInput
from actorstream.streams.aggregates.base import Aggregate, Getter
from actorstream.streams.aggregates.identities import identity

_HASHES_MAX = 1_024  # Up to here the answer is exact, but for equal hashes.
_ESTIMATES_MAX = 256  # Registers whose estimate is remembered: a running result asks at every record.
_INDEX_BITS = 14
_REST_BITS = 64 - _INDEX_BITS
_REGISTERS = 1 << _INDEX_BITS
_REST = (1 << _REST_BITS) - 1

Hashes = list[int]
Sketch = Hashes | bytes


class _ApproxDistinct(Aggregate):
    """Accumulator: sorted hashes, or registers, a byte each."""

    kind = "approx_distinct"
    absorbs = True

    def partial(self, values: Sequence[Any]) -> Sketch:
        return _kept(dict.fromkeys(xxhash.xxh3_64_intdigest(identity(value)) for value in values))

    def merge(self, one: Sketch, other: Sketch) -> Sketch:
        if isinstance(one, bytes) and isinstance(other, bytes):
            return bytes(map(max, _checked(one), _checked(other)))
        if isinstance(one, bytes):
            return _raised(_checked(one), other)
        if isinstance(other, bytes):
            return _raised(_checked(other), one)
        return _kept(dict.fromkeys([*one, *other]))

    def absorb(self, one: Sketch, other: Sketch) -> Sketch:
        if isinstance(one, bytes) or isinstance(other, bytes) or len(other) > 1:
            return self.merge(one, other)
        place = bisect_left(one, other[0])
        if place < len(one) and one[place] == other[0]:
            return one
        one.insert(place, other[0])
        return one if len(one) <= _HASHES_MAX else _raised(bytes(_REGISTERS), one)

    def result(self, accumulator: Sketch | None) -> int:
        if isinstance(accumulator, bytes):
            return round(_estimate(_checked(accumulator)))
        return len(accumulator or ())

    def result_type(self, field_type: Any) -> Any:
        return int

    def accumulator_type(self, field_type: Any) -> Any:
        return Sketch


def _kept(hashes: dict[int, None]) -> Sketch:
    return sorted(hashes) if len(hashes) <= _HASHES_MAX else _raised(bytes(_REGISTERS), hashes)


def _raised(registers: bytes, hashes: Iterable[int]) -> bytes:
    """The registers after these hashes; the same object if none changes, so that its estimate is still known."""
    found: bytes | bytearray = registers
    for one in hashes:
        index = one >> _REST_BITS
        rank = _REST_BITS + 1 - (one & _REST).bit_length()
        if rank > found[index]:
            found = bytearray(found) if found is registers else found
            found[index] = rank  # type: ignore[index]
    return registers if found is registers else bytes(found)


def _checked(registers: bytes) -> bytes:
    """The registers of a state, if they can be."""
    if len(registers) != _REGISTERS:
        raise _damaged()
    return registers


def _damaged() -> BadInput:
    return BadInput(
        f"the state of agg.approx_distinct is damaged: there are {_REGISTERS} registers of at most {_REST_BITS + 1}"
    )


@lru_cache(maxsize=_ESTIMATES_MAX)
def _estimate(registers: bytes) -> float:
    counts = [registers.count(rank) for rank in range(_REST_BITS + 2)]
    if sum(counts) != _REGISTERS:
        raise _damaged()
    total = _REGISTERS * _tau(1 - counts[-1] / _REGISTERS)
    for count in reversed(counts[1:-1]):
        total = (total + count) / 2
    total += _REGISTERS * _sigma(counts[0] / _REGISTERS)
    return _REGISTERS * _REGISTERS / (2 * math.log(2) * total)


def _sigma(share: float) -> float:
    """X + sum over k > 0 of x**(2**k) * 2**(k - 1), for the share of registers that are empty; never all are."""
    weight, total, before = 1.0, share, -1.0
    while total != before:
        share *= share
        before = total
        total += share * weight
        weight *= 2
    return total


def _tau(share: float) -> float:
    """The same for the share of registers that are not full: (1 - x - sum of (1 - x**(2**-k))**2 * 2**-k) / 3."""
    if share in (0.0, 1.0):
        return 0.0
    weight, total, before = 1.0, 1 - share, -1.0
    while total != before:
        share = math.sqrt(share)
        before = total
        weight /= 2
        total -= (1 - share) ** 2 * weight
    return total / 3


def approx_distinct(of: Getter) -> Aggregate:
    """About how many different values a field, or a function of the value, has; None does not count.

    Exact up to 1,024 values, beyond that with a standard error of 0.8 %; the state is at most 16 KiB for each key and
    window. Numbers that are equal are the same value.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("doc")
        >>> words = app.stream(["a", "b", "a"]).key_by(lambda word: "all", name="key")
        >>> app.collect(words.aggregate(it=agg.approx_distinct(lambda word: word)))[-1].it
        2
    """
    return _ApproxDistinct(of)
