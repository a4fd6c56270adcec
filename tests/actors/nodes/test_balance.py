"""How actors are spread over nodes."""

from __future__ import annotations

import json
from collections import Counter

from actorstream.actors import Actor, ActorSystem, Context, Message, receives


class Go(Message):
    """Stop."""


class Guest(Actor, accepts=Go):
    @receives(Go)
    def on_go(self, _: Go, context: Context) -> None:
        context.stop()


def by_node(system: ActorSystem) -> Counter[str]:
    """How many live on each node."""
    return Counter(one["node"] for one in json.loads(system.tree(format="json")))


def test_a_new_node_does_not_get_everybody() -> None:
    """What counts is who lives on the others now, not who has lived there."""
    with ActorSystem(nodes=2, runtime="simulation") as system:
        for _ in range(10):
            system.tell(system.spawn(Guest, node="any", restart="temporary"), Go())
        system.run(until=lambda: not system.tree())
        system.world.crash("node-1")
        system.run(until=lambda: "node-1" not in system.nodes)
        system.run(until=lambda: "node-1" in system.nodes)

        for _ in range(4):
            system.spawn(Guest, node="any")

        assert by_node(system) == {"node-1": 2, "node-2": 2}
