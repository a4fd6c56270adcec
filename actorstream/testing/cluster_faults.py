"""What may befall a cluster of simulated nodes, and how often; and when, in one storm. Pure.

Most faults last: a machine sleeps for a while, a cable is cut and mended. How long is up to the seed, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from actorstream.host import Entropy
from actorstream.testing.faults import Rates

STRIKES_MAX = 256
"""Faults in one storm."""

LASTS_US = {
    "zombie": (20_000, 60_000_000),
    "cut": (20_000, 20_000_000),
    "one_way_cut": (20_000, 20_000_000),
    "delay": (100_000, 10_000_000),
    "loss": (100_000, 10_000_000),
    "duplication": (100_000, 10_000_000),
    "reorder": (100_000, 10_000_000),
    "reset": (100_000, 10_000_000),
    "slow_disk": (100_000, 10_000_000),
    "full_disk": (100_000, 10_000_000),
    "lying_sync": (100_000, 10_000_000),
}
"""The faults that last, and how long: from and to, in microseconds of virtual time. Half of them are short."""


@dataclass(frozen=True, slots=True)
class ClusterFaults(Rates):
    """How many of each fault an average storm meets.

    crash_actor: one actor fails, and its supervisor decides.
    hang: a handler never returns. On a node, all of the node stands still with it, until it is killed.
    crash_process: the process of a node is killed; its disk survives, the write under way may be cut short.
    crash_host: its machine loses power, and nobody is told; of what was not synced any part may be lost or torn.
    zombie: its machine sleeps, up to a minute. If it is given up before it wakes, it goes on for a moment all the same.
    cut: nothing gets from a node to another one, or to all others, nor back.
    one_way_cut: the same, in one direction.
    delay: the network is slow: up to a quarter of a second one way.
    loss: frames vanish.
    duplication: frames arrive twice.
    reorder: frames overtake each other.
    reset: connections break.
    clock_jump: the wall clock of a node jumps by up to ten seconds.
    slow_disk: each sync of a node takes up to a second more.
    full_disk: the disk of a node has hardly any space left.
    lying_sync: half of all syncs of a node only pretend. It voids every promise of durability; it is not among `all`.
    """

    crash_actor: float = 0.0
    hang: float = 0.0
    crash_process: float = 0.0
    crash_host: float = 0.0
    zombie: float = 0.0
    cut: float = 0.0
    one_way_cut: float = 0.0
    delay: float = 0.0
    loss: float = 0.0
    duplication: float = 0.0
    reorder: float = 0.0
    reset: float = 0.0
    clock_jump: float = 0.0
    slow_disk: float = 0.0
    full_disk: float = 0.0
    lying_sync: float = 0.0

    @classmethod
    def all(cls) -> ClusterFaults:
        """Everything that a system of nodes promises to survive."""
        return cls(
            crash_actor=3.0,
            hang=0.5,
            crash_process=1.0,
            crash_host=1.0,
            zombie=1.0,
            cut=1.0,
            one_way_cut=0.5,
            delay=0.5,
            loss=0.5,
            duplication=0.5,
            reorder=0.5,
            reset=0.5,
            clock_jump=0.5,
            slow_disk=0.5,
            full_disk=0.5,
        )


class Strike(NamedTuple):
    """A fault: when it begins, in microseconds from the storm's beginning, and how long it lasts."""

    at_us: int
    fault: str
    lasts_us: int


def strikes(faults: ClusterFaults, entropy: Entropy, duration_us: int) -> list[Strike]:
    """The faults of one storm, in order of time: as many of each as its rate says, on average.

    Example:
        >>> [strike.fault for strike in strikes(ClusterFaults(hang=1.0), Entropy(1), 1_000_000)]
        ['hang']
    """
    names = []
    for name, rate in faults.rates().items():
        count = int(rate) + entropy.chance(rate - int(rate))
        names += [name] * entropy.between(0, 2 * count)
    entropy.shuffle(names)
    plan = [Strike(entropy.below(duration_us), name, _lasts_us(name, entropy)) for name in names[:STRIKES_MAX]]
    return sorted(plan, key=lambda strike: strike.at_us)


def _lasts_us(fault: str, entropy: Entropy) -> int:
    if fault not in LASTS_US:
        return 0
    shortest, longest = LASTS_US[fault]
    return entropy.between(shortest, longest if entropy.chance(0.5) else max(shortest, longest // 10))
