"""References: how actors name each other."""

from __future__ import annotations

import msgspec


class Ref(msgspec.Struct, frozen=True):
    """The address of an actor: a value, to be kept, compared, and sent in messages.

    A logical ref (`incarnation` is 0) follows restarts: it means whoever lives at `path` now. A pinned one means one
    incarnation; what is sent to it after that incarnation has ended is a dead letter.

    Example:
        >>> Ref("desk/greeter").name
        'greeter'
    """

    path: str
    incarnation: int = 0

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def pinned(self, incarnation: int) -> Ref:
        """The same address, for one incarnation only."""
        return Ref(self.path, incarnation)


NOBODY = Ref("?")
"""The sender of what came from outside. What is sent to it goes nowhere."""
