"""What must hold of a random cluster after a storm."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from actorstream.actors import ActorSystem, Observe, Ref
from actorstream.actors.cell import Cell
from actorstream.host import Entropy
from actorstream.host.logs import silence
from actorstream.testing import ClusterFaults, storm
from tests.actors.nodes.townsfolk import CHRONICLE, begin_chronicle, found, kernels

FAULTS = replace(ClusterFaults.all(), lying_sync=0.5)
UNACKED_MAX = 256
"""Frames that are under way while all is well."""

Cells = dict[str, Any]


def live(seed: int) -> tuple[Counter[str], int]:
    """One storm over one random cluster, and all that must hold in the end; what happened, and what tells the run."""
    entropy = Entropy(seed).stream("test")
    with silence(), seen_kills(), ActorSystem(nodes=3, runtime="simulation", seed=seed) as system:
        begin_chronicle(system)
        found(system, entropy)
        system.run_for("100ms")
        asked = ask_around(system, entropy)

        happened = storm(system, FAULTS, seed=seed, duration="30s")

        assert system.failed is None
        raise_bugs(system)
        assert all(answer.done() for answer in asked)
        assert sorted(system.nodes) == ["node-0", "node-1", "node-2", "node-3"]
        cells = check_settled(system)
        check_tree(system, cells)
        check_ends_are_told(system, entropy)
        check_restarts(system)
        return happened, system.trace.crc


def _seen(right: Callable[[Cell], None]) -> Callable[[Cell], None]:
    def end(cell: Cell) -> None:
        CHRONICLE.killed[cell.incarnation] = None
        right(cell)

    return end


@contextmanager
def seen_kills() -> Iterator[None]:
    """Whoever is killed can't write that down himself, nor who is given up because work of his does not end."""
    with pytest.MonkeyPatch.context() as patch:
        for right in (Cell.kill, Cell._on_deadline):
            patch.setattr(Cell, right.__name__, _seen(right))
        yield


def ask_around(system: ActorSystem, entropy: Entropy) -> list[Any]:
    """Questions from outside at times to come; each must end, however it does."""
    asked: list[Any] = []
    for _ in range(20):
        path = entropy.choice(("t0", "t1", "t0/n0", "t1/n0", "t0/n1", "t0/n0/n0", "nobody"))
        system.simulator.after(
            entropy.below(30_000_000), lambda path=path: asked.append(system.ask_future(Ref(path), Observe(), "5s"))
        )
    return asked


def raise_bugs(system: ActorSystem) -> None:
    """No actor has failed by itself."""
    for kernel in kernels(system):
        for failure in kernel.failures:
            raise AssertionError(f"{failure.path}#{failure.incarnation}: {failure.error!r}") from failure.error


def check_settled(system: ActorSystem) -> Cells:
    """Each actor runs once, its parent is the one that it was started by, and nothing is under way."""
    cells: Cells = {}
    numbers = sorted(system._kernel.cluster.nodes)
    for kernel in kernels(system):
        cluster = kernel.cluster
        assert sorted(cluster.nodes) == numbers
        assert all(path not in system._kernel.cells for path in cluster.seeker.locations.sought())
        assert not cluster._early
        assert all(facts["unacked_frames"] < UNACKED_MAX for facts in cluster.links.observe().values())
        for path, cell in kernel.cells.items():
            assert cell.is_alive, f"{path} is {cell.state}"
            if path or not kernel.number:  # The root of each node has none.
                assert path not in cells, f"{path} runs twice"
                cells[path] = cell
    for kernel in kernels(system):
        check_family(kernel, cells)
        check_watches(kernel, {each.number: each for each in kernels(system)})
    return cells


def check_family(kernel: Any, cells: Cells) -> None:
    """Children run where their parents believe, under the incarnation that started them."""
    for path, outpost in kernel.cluster.outposts.items():
        assert outpost.incarnation == cells[path].incarnation
        assert outpost.node == cells[path].incarnation >> 32
    assert not kernel.cluster.guests._next
    for path, guest in kernel.cluster.guests._guests.items():
        assert kernel.cells[path] is guest.cell
        parent = cells[guest.ref.path]
        assert guest.ref.incarnation == parent.incarnation
        assert path in parent.kernel.cluster.outposts
    for path, cell in kernel.cells.items():
        for name, one in cell.child_cells.items():
            assert one.path == f"{path}/{name}" if path else name
            assert one.path in kernel.cluster.outposts or kernel.cells[one.path] is one


def check_watches(kernel: Any, by_number: dict[int, Any]) -> None:
    """Whoever is watched elsewhere is watched there."""
    for path, watch in kernel.cluster.watches._ours.items():
        if not kernel.deaths.is_watched(path):
            continue
        assert watch.node in by_number, f"{path} is watched on a node that is dead, or on none"
        there = by_number[watch.node]
        assert kernel.number in there.cluster.watches._theirs[path]
        assert watch.incarnation == there.cells[path].incarnation
        assert watch.reason is None


def check_tree(system: ActorSystem, cells: Cells) -> None:
    """What people are shown is so, and everybody answers."""
    shown = list(walk(system))
    assert sorted(one["path"] for one in shown) == sorted(path for path in cells if path)
    for one in shown:
        seen = system.ask(Ref(one["path"]), Observe())
        assert one["state"] == "running", system.tree()
        assert (seen.path, seen.incarnation) == (one["path"], one["incarnation"])


def check_ends_are_told(system: ActorSystem, entropy: Entropy) -> None:
    """After all that, whoever watches somebody is told of the end, once."""
    for _ in range(3):
        struck = entropy.choice(system.world.actors() + system.actors())
        members = {cell.incarnation: cell for one in kernels(system) for cell in one.cells.values() if cell.path}
        [victim] = [cell for cell in members.values() if cell.path == struck.path]
        incarnation = victim.incarnation
        watchers = [one for one, cell in members.items() if struck.path in cell.instance.watching]
        system.crash(struck)
        system.run_for("4s")
        living = [cell.incarnation for one in kernels(system) for cell in one.cells.values()]
        for watcher in watchers:
            assert watcher not in living or CHRONICLE.told[watcher, struck.path, incarnation] == 1


def check_restarts(system: ActorSystem) -> None:
    """Each incarnation that began runs, or has ended: by itself, because it was killed, or with its node."""
    running = {cell.incarnation: path for one in kernels(system) for path, cell in one.cells.items()}
    numbers = [kernel.number for kernel in kernels(system)]
    for path, incarnations in CHRONICLE.begun.items():
        assert len(incarnations) == len(dict.fromkeys(incarnations))
        for one in incarnations:
            has_ended = one in CHRONICLE.ended or one in CHRONICLE.killed or one >> 32 not in numbers
            assert has_ended != (running.get(one) == path), f"{path}#{one}"


def walk(system: ActorSystem) -> Iterator[dict[str, Any]]:
    """All actors of the tree."""

    def below(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield one
        for each in one["children"]:
            yield from below(each)

    for one in json.loads(system.tree(format="json")):
        yield from below(one)
