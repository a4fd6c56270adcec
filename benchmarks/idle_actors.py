"""What an actor that waits for its first message takes: a hundred thousand of them, in one process.

The floor is what the same objects of the user take without any system around them.
"""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

from actorstream.actors import Actor, ActorSystem, Context, Message, receives

ACTORS = 100_000
GOAL_MB = 200


class Add(Message):
    number: int


class Adder(Actor, accepts=Add):
    def __init__(self) -> None:
        self.total = 0

    @receives(Add)
    def on_add(self, add: Add, context: Context) -> None:
        self.total += add.number


class Crowd(Actor):
    """Many children."""

    def started(self, context: Context) -> None:
        for _ in range(ACTORS):
            context.spawn(Adder)


def resident_mb() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def floor_mb() -> float:
    before = resident_mb()
    adders = {f"crowd/adder-{number}": Adder() for number in range(ACTORS)}
    after = resident_mb()
    assert len(adders) == ACTORS
    return after - before


def main() -> None:
    with ActorSystem() as system:
        before = resident_mb()
        start = time.perf_counter()
        system.spawn(Crowd, name="crowd")
        seconds = time.perf_counter() - start
        grown = resident_mb() - before
        assert len(system.actors()) == ACTORS + 1
        start = time.perf_counter()
    stopped = time.perf_counter() - start
    print(
        f"idle actors: {grown:.0f} MB for {ACTORS:,}, the bare objects {floor_mb():.0f} MB; goal at most {GOAL_MB} MB "
        f"({'met' if grown <= GOAL_MB else 'missed'}); started in {seconds:.1f} s, stopped in {stopped:.1f} s"
    )


if __name__ == "__main__":
    main()
