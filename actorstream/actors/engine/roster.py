"""Which nodes an engine has been told to start and end, and which there are. Decides; does nothing.

Guarantees: each node that was ordered ends exactly once, unless the engine breaks, which ends all of them together;
what is ordered before the warden is there waits for it; a node that is to be killed before it is there dies when it
comes.
"""

from __future__ import annotations

from enum import Enum

from actorstream.actors.engine.notes import StartNode

NODES_MAX = 1_024
"""Nodes that an engine may have at once."""


class Stage(Enum):
    """How far a node is."""

    WAITING = "waiting"  # For the warden.
    STARTING = "starting"
    RUNNING = "running"
    CONDEMNED = "condemned"  # To be killed, and not there yet.
    KILLED = "killed"


class Roster:
    """See the module."""

    def __init__(self) -> None:
        self._stages: dict[int, Stage] = {}
        self._waiting: dict[int, StartNode] = {}
        self.has_warden = False

    def __len__(self) -> int:
        """How many nodes have not ended."""
        return len(self._stages)

    @property
    def is_full(self) -> bool:
        """Whether no more nodes can be ordered."""
        return len(self) >= NODES_MAX

    def order(self, number: int, order: StartNode) -> list[StartNode]:
        """Start a node; gives what to send to the warden now.

        Raises:
            ValueError: the number is in use.
        """
        if number in self._stages:
            raise ValueError(f"node {number} has been started already")
        assert not self.is_full
        if self.has_warden:
            self._stages[number] = Stage.STARTING
            return [order]
        self._stages[number] = Stage.WAITING
        self._waiting[number] = order
        return []

    def on_warden(self) -> list[StartNode]:
        """The warden is there; gives what to send to it."""
        self.has_warden = True
        orders, self._waiting = self._waiting, {}
        for number in orders:
            self._stages[number] = Stage.STARTING
        return list(orders.values())

    def on_up(self, number: int) -> bool | None:
        """A node says that it is there: True, let it live; False, kill it now; None, nobody has ordered it."""
        stage = self._stages.get(number)
        if stage is Stage.STARTING:
            self._stages[number] = Stage.RUNNING
            return True
        if stage is Stage.CONDEMNED:
            self._stages[number] = Stage.KILLED
            return False
        return None

    def kill(self, number: int) -> bool:
        """A node is to be killed: whether that can be done now."""
        stage = self._stages.get(number)
        if stage is Stage.RUNNING:
            self._stages[number] = Stage.KILLED
            return True
        if stage is Stage.STARTING:
            self._stages[number] = Stage.CONDEMNED
        return False

    def is_condemned(self, number: int) -> bool:
        """Whether a node was to be killed before it came, and has not come yet."""
        return self._stages.get(number) is Stage.CONDEMNED

    def withdraw(self, number: int) -> bool:
        """Forget a node that waits for the warden; whether it did."""
        self._waiting.pop(number, None)
        return self._stages.get(number) is Stage.WAITING and bool(self._stages.pop(number))

    def on_gone(self, number: int) -> bool:
        """A node has ended: whether that is news. One that waits for the warden has not begun."""
        if number in self._waiting:
            return False
        return self._stages.pop(number, None) is not None

    def on_broken(self) -> list[int]:
        """Everything has ended; gives the nodes that there were."""
        ended = list(self._stages)
        self._stages.clear()
        self._waiting.clear()
        self.has_warden = False
        return ended

    def check(self) -> None:
        """Raise if an invariant is broken."""
        assert not (self.has_warden and self._waiting)
        waiting = [number for number, stage in self._stages.items() if stage is Stage.WAITING]
        assert waiting == list(self._waiting)
