"""Trees spread over simulated nodes, under everything that may befall nodes and the network between them."""

from __future__ import annotations

import pytest

from actorstream.testing.seeds import chosen
from tests.actors.nodes.survival import live

SEEDS = (*range(12), 17, 43, 69, 101, 144, 157)
"""The first few, and those that have found something."""


@pytest.mark.parametrize("seed", chosen(SEEDS))
def test_a_cluster_comes_back_from_anything(seed: int) -> None:
    """Whatever happens: everybody runs again, each once, everybody hears of everybody's end once, and in order."""
    live(seed)
