"""A consumer a hundred times slower than its producer, in another process."""

from __future__ import annotations

from actorstream.actors import ActorSystem
from tests.actors.flow.pacing import BATCH_BYTES, run

BATCHES, REST_US = 100, 40_000  # To make a batch and to bring it there takes less than a hundredth of that.
GROWTH_KIB_MAX = 6 * 1024
AHEAD_MAX = 16


def test_a_slow_consumer_in_another_process_slows_its_producer_down() -> None:
    """All arrives in order; neither process holds more than a part of it; the producer is never far ahead."""
    with ActorSystem(nodes=2) as system:
        found = run(system, BATCHES, REST_US)

    assert (found["taken"], found["is_wrong"]) == (BATCHES, False)
    assert BATCHES * BATCH_BYTES > 2 * GROWTH_KIB_MAX * 1024  # Without flow control one of them would hold it all.
    assert found["producer_growth_kib"] < GROWTH_KIB_MAX
    assert found["consumer_growth_kib"] < GROWTH_KIB_MAX
    assert found["ahead_max"] < AHEAD_MAX
