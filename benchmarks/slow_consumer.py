"""A consumer a hundred times slower than its producer, in two processes: memory, speed, and who waits for whom.

First the consumer takes what comes without rest: that is how fast the producer can be. Then it rests after each batch
for a hundred times as long as one took. The goals: both processes stay within a bound that does not depend on how much
flows, nothing is lost or out of order, and the whole takes as long as the consumer's rests, not longer.
"""

from __future__ import annotations

import os
from typing import Any

from actorstream.actors import ActorSystem
from actorstream.host.logs import silence
from tests.actors.flow.pacing import BATCH_BYTES, run

FREE_BATCHES = 3_000
SLOWER = 100
SECONDS = float(os.environ.get("SLOW_CONSUMER_SECONDS", "60"))
GROWTH_GOAL_MIB = 16


def measured(batches: int, rest_us: int) -> dict[str, Any]:
    """One run, in processes of its own."""
    with silence(), ActorSystem(nodes=2) as system:
        found = run(system, batches, rest_us)
    assert (found["taken"], found["is_wrong"]) == (batches, False)
    return found


def main() -> None:
    free = measured(FREE_BATCHES, 0)
    each_us = free["seconds"] / FREE_BATCHES * 1e6
    print(f"free: {FREE_BATCHES / free['seconds']:,.0f} batches a second, {each_us:.0f} us each")
    rest_us = int(SLOWER * each_us)
    batches = int(SECONDS * 1e6 / rest_us)
    slow = measured(batches, rest_us)
    print(
        f"{SLOWER} times slower: {batches} batches, {batches * BATCH_BYTES / 2**20:.0f} MiB in all, in "
        f"{slow['seconds']:.1f} s; the rests alone are {batches * rest_us / 1e6:.1f} s; "
        f"at most {slow['ahead_max']} batches ahead"
    )
    for side in ("producer", "consumer"):
        print(f"{side}: grew by {slow[f'{side}_growth_kib'] / 1024:.1f} MiB; goal {GROWTH_GOAL_MIB} MiB")


if __name__ == "__main__":
    main()
