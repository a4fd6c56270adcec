"""Chance, from a seed.

A generator of our own, because Python promises the same sequence across versions for `random()` alone, and a
seed that fails on one Python must fail on all of them.

Source: SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
"""

from __future__ import annotations

import os
from collections.abc import MutableSequence, Sequence
from typing import TypeVar
from zlib import crc32

T = TypeVar("T")

_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15


class Entropy:
    """A stream of chance. `stream(name)` gives independent ones, so that one component's draws do not shift another's.

    Example:
        >>> Entropy(7).below(100) == Entropy(7).below(100)
        True
    """

    __slots__ = ("_state", "seed")

    def __init__(self, seed: int) -> None:
        self.seed = seed & _MASK
        self._state = self.seed

    def bits(self) -> int:
        """The next 64 bits."""
        self._state = state = (self._state + _GOLDEN) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return state ^ (state >> 31)

    def below(self, bound: int) -> int:
        """An integer in [0, bound). The bias is below 2^-32 for the small bounds that are used."""
        assert 0 < bound < 2**32
        return self.bits() % bound

    def between(self, low: int, high: int) -> int:
        """An integer in [low, high], both included."""
        return low + self.below(high - low + 1)

    def uniform(self) -> float:
        """A float in [0, 1)."""
        return (self.bits() >> 11) / 2**53

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.uniform() < probability

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`, each as likely."""
        return items[self.below(len(items))]

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Put `items` in a random order, in place (Fisher-Yates)."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]

    def identity(self) -> str:
        """32 hexadecimal digits, for names that must not repeat."""
        return f"{self.bits():016x}{self.bits():016x}"

    def stream(self, name: str) -> Entropy:
        """An independent stream for the component `name`; the same seed and name give the same stream."""
        mixed = Entropy(self.seed ^ (crc32(name.encode()) * _GOLDEN))
        return Entropy(mixed.bits())


def system_entropy() -> Entropy:
    """Entropy seeded by the operating system."""
    return Entropy(int.from_bytes(os.urandom(8), "big"))


def secret_bytes(size: int) -> bytes:
    """So many bytes that nobody can guess, for keys; never the same twice, and so not for what is to be replayed."""
    return os.urandom(size)
