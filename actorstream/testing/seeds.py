"""Which seeds to run: those of the test, unless the command line says otherwise."""

from __future__ import annotations

from collections.abc import Iterable


class Chosen:
    """What `--seeds N` and `--seed S` said; None: nothing."""

    count: int | None = None
    only: int | None = None


CHOSEN = Chosen()
"""Set once, by the pytest plugin, before any test runs."""


def chosen(seeds: Iterable[int]) -> list[int]:
    """The seeds to run.

    Example:
        >>> chosen(range(3))
        [0, 1, 2]
    """
    if CHOSEN.only is not None:
        return [CHOSEN.only]
    every = list(seeds)
    if CHOSEN.count is None:
        return every
    start = every[0] if every else 0
    return list(range(start, start + CHOSEN.count))
