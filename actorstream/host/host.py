"""The seams of one node, together."""

from __future__ import annotations

from dataclasses import dataclass, field

from actorstream.host.clock import Clock, SystemClock
from actorstream.host.disk import Disk
from actorstream.host.entropy import Entropy, system_entropy
from actorstream.host.programs import Programs
from actorstream.host.real_disk import RealDisk


@dataclass(frozen=True, slots=True)
class Host:
    """What a node runs on: clock, entropy and disk, and the programs that it has."""

    clock: Clock
    entropy: Entropy
    disk: Disk
    programs: Programs = field(default_factory=Programs)


def real_host(root: str) -> Host:
    """The machine itself, with its files below `root`."""
    return Host(SystemClock(), system_entropy(), RealDisk(root))
