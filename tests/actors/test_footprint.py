"""What an actor costs that waits for its first message."""

from __future__ import annotations

import tracemalloc

from actorstream.actors import Actor, ActorSystem, Context

COUNT = 2_000
BYTES_MAX = 2_000
"""A hundred thousand of them are to fit into 200 MB."""


class Crowd(Actor):
    def started(self, context: Context) -> None:
        for _ in range(COUNT):
            context.spawn(Actor)


def test_an_idle_actor_is_small(simulation: ActorSystem) -> None:
    """Queues, timers and supervision are made when they are first used."""
    simulation.spawn(Actor)
    tracemalloc.start()
    try:
        simulation.spawn(Crowd)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken / COUNT < BYTES_MAX
