"""What an engine knows of its nodes, whatever happens in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actorstream.actors.engine.notes import StartNode
from actorstream.actors.engine.roster import NODES_MAX, Roster

NUMBERS = st.integers(1, 5)


class RosterMachine(RuleBasedStateMachine):
    """Orders, kills, births and deaths, and what must be true of them."""

    def __init__(self) -> None:
        super().__init__()
        self.roster = Roster()
        self.open: set[int] = set()  # Ordered, and not said to have ended.
        self.sent: set[int] = set()  # Told to the warden.
        self.up: set[int] = set()
        self.condemned: set[int] = set()

    @rule(number=NUMBERS)
    def order(self, number: int) -> None:
        """A node is ordered; twice is refused."""
        if number in self.open:
            with pytest.raises(ValueError, match="already"):
                self.roster.order(number, StartNode(number, b"", {}))
            return
        self.open.add(number)
        self.sent |= {order.number for order in self.roster.order(number, StartNode(number, b"", {}))}

    @rule()
    def warden(self) -> None:
        """The warden comes: all that wait are sent, once."""
        if not self.roster.has_warden:
            sent = {order.number for order in self.roster.on_warden()}
            assert sent == self.open - self.sent
            self.sent |= sent

    @rule(number=NUMBERS)
    def node(self, number: int) -> None:
        """A process says that it is a node: believed once, and only if it was sent for."""
        answer = self.roster.on_up(number)
        if number not in self.sent or number in self.up:
            assert answer is None
        else:
            assert answer is (number not in self.condemned)
            self.up.add(number)

    @rule(number=NUMBERS)
    def kill(self, number: int) -> None:
        """A kill is done now, or when the node comes, or needs not be done at all."""
        waits = number in self.open and number not in self.sent
        assert self.roster.withdraw(number) == waits
        if waits:
            self.open.discard(number)
        now = self.roster.kill(number)
        assert now == (number in self.up and number not in self.condemned)
        if number in self.sent:
            self.condemned.add(number)

    @rule(number=NUMBERS)
    def gone(self, number: int) -> None:
        """An end is news once, and only of a node that has begun."""
        assert self.roster.on_gone(number) == (number in self.sent)
        if number not in self.sent:
            return
        for known in (self.open, self.sent, self.up, self.condemned):
            known.discard(number)

    @rule()
    def broken(self) -> None:
        """Everything ends, also what waits."""
        assert set(self.roster.on_broken()) == self.open
        for known in (self.open, self.sent, self.up, self.condemned):
            known.clear()

    @invariant()
    def is_sound(self) -> None:
        """The roster counts what has not ended."""
        self.roster.check()
        assert len(self.roster) == len(self.open)


TestRoster = RosterMachine.TestCase


def test_there_is_a_bound() -> None:
    """A roster says when no more nodes can be ordered."""
    roster = Roster()
    for number in range(NODES_MAX):
        assert not roster.is_full
        roster.order(number, StartNode(number, b"", {}))

    assert roster.is_full
