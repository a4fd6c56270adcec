"""Each rule that holds between nodes, taken out: the storms must notice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actorstream.testing.seeds import CHOSEN
from tests.actors.nodes.survival import live
from tests.simulation import node_plants

Plant = Callable[[pytest.MonkeyPatch], None]

CASES: list[tuple[Plant, range]] = [
    (node_plants.the_dead_are_not_fenced, range(40)),
    (node_plants.repetitions_are_delivered, range(10)),
    (node_plants.gaps_are_not_noticed, range(10)),
    (node_plants.guests_outlive_their_parents, range(20)),
    (node_plants.places_are_not_forgotten, range(20)),
    (node_plants.watches_do_not_move, range(20)),
    (node_plants.what_waits_is_overtaken, range(60)),
    (node_plants.ends_of_lost_children_are_not_told, range(10)),
]


@pytest.mark.skipif(CHOSEN.only is not None, reason="one seed need not find a planted bug")
@pytest.mark.parametrize(("plant", "seeds"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_the_storms_notice(plant: Plant, seeds: range, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of these seeds, one fails."""
    plant(monkeypatch)

    assert any(fails(seed) for seed in seeds)


def fails(seed: int) -> bool:
    """Whether anything is wrong."""
    try:
        live(seed)
    except Exception:  # Whatever it is that breaks.
        return True
    return False
