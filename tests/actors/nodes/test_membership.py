"""Which nodes are given up."""

from __future__ import annotations

import pytest

from actorstream.actors.nodes.membership import Announce, Effect, Kill, Launch, Membership, Patience
from actorstream.actors.nodes.placement import Node
from actorstream.host import Entropy

CONFIRM_US = 1_000_000


@pytest.fixture
def three() -> Membership:
    """Three nodes that are up."""
    membership = Membership(Entropy(1), Patience(confirm_us=CONFIRM_US))
    for number in (1, 2, 3):
        name = f"node-{number}"
        assert membership.add(name, 0) == [Launch(number, name, {})]
        assert isinstance(membership.on_ready(Node(number, name, ""))[0], Announce)
    return membership


def killed(effects: list[Effect]) -> list[int]:
    return [effect.number for effect in effects if isinstance(effect, Kill)]


def test_of_two_that_do_not_reach_each_other_the_younger_goes(three: Membership) -> None:
    """If the driver hears both."""
    assert killed(three.on_unreachable(1, 2, {1: 0, 2: 0})) == [2]


@pytest.mark.parametrize(("by", "number"), [(1, 2), (2, 1)])
def test_of_two_that_do_not_reach_each_other_the_silent_one_goes(three: Membership, by: int, number: int) -> None:
    """A node that stands still does not take with it whoever reports that first."""
    assert killed(three.on_unreachable(by, number, {1: CONFIRM_US - 1, 2: 0})) == [1]


def test_whoever_reports_one_that_goes_already_stays(three: Membership) -> None:
    """One end is enough."""
    assert killed(three.on_silent(1, CONFIRM_US)) == [1]

    assert three.on_unreachable(2, 1, {1: CONFIRM_US, 2: 0}) == []
    assert three.on_unreachable(1, 3, {1: CONFIRM_US, 3: 0}) == []


def test_a_short_silence_is_no_death(three: Membership) -> None:
    """Nobody is killed before `confirm_us`."""
    assert three.on_silent(1, CONFIRM_US - 1) == []
