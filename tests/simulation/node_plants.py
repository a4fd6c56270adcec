"""Bugs to plant between nodes: each takes one rule out, by replacing a function."""

from __future__ import annotations

from typing import Any

import pytest

from actorstream.actors.nodes.guests import Guests
from actorstream.actors.nodes.locations import Locations
from actorstream.actors.nodes.outpost import Outpost
from actorstream.actors.nodes.seeker import Seeker
from actorstream.actors.nodes.watches import Watches
from actorstream.actors.wire.links import Links
from actorstream.actors.wire.session import Session


def the_dead_are_not_fenced(patch: pytest.MonkeyPatch) -> None:
    """What comes from a node that was declared dead still counts."""
    patch.setattr(Links, "remove", lambda self, number: None)


def repetitions_are_delivered(patch: pytest.MonkeyPatch) -> None:
    """A frame that was sent again, or came twice, is taken for a new one."""

    def accept(self: Any, number: int, size: int) -> bool:
        if number > self.received + 1:
            return False
        self.received = max(self.received, number)
        return True

    patch.setattr(Session, "accept", accept)


def gaps_are_not_noticed(patch: pytest.MonkeyPatch) -> None:
    """Whatever comes is next."""

    def accept(self: Any, number: int, size: int) -> bool:
        if number <= self.received:
            return False
        self.received = number
        return True

    patch.setattr(Session, "accept", accept)


def guests_outlive_their_parents(patch: pytest.MonkeyPatch) -> None:
    """Nobody evicts the children of actors whose node is dead."""
    patch.setattr(Guests, "on_node_lost", lambda self, number: None)


def places_are_not_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Whoever lived on a dead node is believed to live there still."""
    patch.setattr(Locations, "forget_node", lambda self, number: None)
    patch.setattr(Locations, "forget", lambda self, path: None)


def watches_do_not_move(patch: pytest.MonkeyPatch) -> None:
    """Whoever was watched on a dead node is not watched where it lives next."""
    patch.setattr(Watches, "_move", lambda self, path: None)


def what_waits_is_overtaken(patch: pytest.MonkeyPatch) -> None:
    """Mail that waits for the place of an actor stays behind when the actor begins here."""
    patch.setattr(Seeker, "on_arrived", lambda self, path: None)


def ends_of_lost_children_are_not_told(patch: pytest.MonkeyPatch) -> None:
    """A parent does not hear that the node of its child is dead."""
    patch.setattr(Outpost, "on_lost", lambda self, reason: None)


def ends_overtake_mail(patch: pytest.MonkeyPatch) -> None:
    """The end of an actor is told as soon as it is known, while what it said waits for its way."""
    patch.setattr(Watches, "_tell_behind_mail", lambda self, number, path, message: self._cluster.tell(number, message))
