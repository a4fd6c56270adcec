"""Kills of node processes, under no load: how long until watchers are told, and until the actors run elsewhere.

Twenty times the process of a node is killed with SIGKILL. Its actors are permanent, and their restart is not held back
(a backoff of 1 ms). The time is taken when the kill returns, and again in handlers in this process.
"""

from __future__ import annotations

import os
import signal
import statistics
import time

from actorstream.actors import ActorSystem
from actorstream.host.logs import silence
from tests.kill.residents import SECONDS_MAX, are_back, are_told, known, meet, settle, survivors, victims, wait_until

KILLS = 20
TOLD_GOAL_MS, BACK_GOAL_MS = 100.0, 500.0


def kill_once(system: ActorSystem, names: list[str], name: str) -> tuple[float, float]:
    """Kill the process where this resident lives; milliseconds until all were told, and until all run elsewhere."""
    before = known(system)
    pid = before.lives[name][-1][1]
    dead, watchers = victims(before, pid), survivors(before, pid)
    os.kill(pid, signal.SIGKILL)
    killed = time.perf_counter()
    after = wait_until(system, lambda now: are_told(now, dead, watchers) and are_back(now, dead))
    meet(system, names)
    wait_for_nodes(system)
    told = max(after.when[incarnation] for incarnation in dead.values())
    back = max(after.lives[one][-1][2] for one in dead)
    return (told - killed) * 1e3, (back - killed) * 1e3


def wait_for_nodes(system: ActorSystem) -> None:
    """Wait until a new process has taken the place of the one that was killed."""
    deadline = time.monotonic() + SECONDS_MAX
    while len(system.nodes) < 4:
        assert time.monotonic() < deadline, "no new node"
        time.sleep(0.01)


def main() -> None:
    with silence(), ActorSystem(nodes=3) as system:
        names = settle(system, 6)
        pairs = [kill_once(system, names, names[number % len(names)]) for number in range(KILLS)]
    for what, times, goal in zip(
        ("watchers told", "actors run elsewhere"), zip(*pairs, strict=True), (TOLD_GOAL_MS, BACK_GOAL_MS), strict=True
    ):
        print(
            f"{what}: median {statistics.median(times):.1f} ms (min {min(times):.1f}, max {max(times):.1f}); "
            f"goal {goal:.0f} ms"
        )


if __name__ == "__main__":
    main()
