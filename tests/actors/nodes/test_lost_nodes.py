"""What others see of an actor whose node dies."""

from __future__ import annotations

from actorstream.actors import ActorSystem
from tests.actors.nodes.workers import Ends, Watcher, Where, Worker


def test_the_end_of_a_life_abroad_is_told_each_time() -> None:
    """A watcher follows an actor from a node that died to the next one."""
    with ActorSystem(nodes=2, runtime="simulation", seed=7) as system:
        worker = system.spawn(Worker, name="worker", node="any")
        watcher = system.spawn(Watcher, "worker", name="watcher")
        for _ in range(3):
            system.ask(worker, Where())
            home = next(name for name, kernel in system.world.kernels().items() if "worker" in kernel.cells)
            system.world.crash(home)
            system.run_for("100ms")

        assert len(system.ask(watcher, Ends()).reasons) == 3  # type: ignore[attr-defined]
