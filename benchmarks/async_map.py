"""Async `map` against bare asyncio: calls that return at once, and calls that wait.

The floor calls the same function by `asyncio.gather`, as many at a time as ours may have under way. Ours is a job over
a data directory, with checkpoints every 100 ms, start and stop included.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from typing import Any

from actorstream import App
from benchmarks.harness import Pair, measure

CALLS = 1_000_000
WAITING_CALLS = 50_000
HANDS = 100

Function = Callable[[int], Coroutine[Any, Any, int]]


async def at_once(number: int) -> int:
    """A call that needs no waiting, as of a cache."""
    return number * 2


async def after_a_while(number: int) -> int:
    """A call that takes 10 ms."""
    await asyncio.sleep(0.01)
    return number * 2


def floor(function: Function, count: int) -> int:
    """Bare asyncio."""

    async def main() -> int:
        total = 0
        for start in range(0, count, HANDS):
            total += sum(await asyncio.gather(*map(function, range(start, min(start + HANDS, count)))))
        return total

    return asyncio.run(main())


class Sum:
    """The end of the path: a plain sink, given a batch at a time."""

    def __init__(self) -> None:
        self.total = 0

    def write(self, values: list[int]) -> None:
        """Add up."""
        self.total += sum(values)


def work(function: Function, count: int, directory: str, *, ordered: bool = True) -> int:
    """A job."""
    end = Sum()
    app = App("async-map")
    app.stream(range(count)).map(function, concurrency=HANDS, ordered=ordered).to(end)
    app.run(data=tempfile.mkdtemp(dir=directory))
    return end.total


def main() -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as directory:
        for name, function, count in (("at once", at_once, CALLS), ("after 10 ms", after_a_while, WAITING_CALLS)):
            for ordered in (True, False):
                ours = (lambda f, n, o: lambda: work(f, n, directory, ordered=o))(function, count, ordered)
                theirs = (lambda f, n: lambda: floor(f, n))(function, count)
                measure(Pair(f"{name}{'' if ordered else ', in any order'}", ours, theirs, count, 0.50), rounds=3)


if __name__ == "__main__":
    main()
