"""A supervisor: an actor whose children are declared."""

from __future__ import annotations

from collections.abc import Sequence

from actorstream.actors.actor import Actor
from actorstream.actors.specification import ChildSpec, Strategy, one_for_one


class Supervisor(Actor):
    """Starts `children` in order, restarts them as `strategy` says, stops them in reverse order.

    Both may be class attributes, or be set by `__init__`. The children run before `started` is called.
    Any actor supervises what it spawns; a Supervisor only says so in advance.
    """

    strategy: Strategy = one_for_one()
    children: Sequence[ChildSpec] = ()
