"""All that is not deterministic: clock, entropy, disk. Production and simulation differ here, and only here."""

from actorstream.host.clock import Clock, SystemClock, VirtualClock
from actorstream.host.disk import Disk, File
from actorstream.host.entropy import Entropy, system_entropy
from actorstream.host.host import Host, real_host
from actorstream.host.memory_disk import MemoryDisk
from actorstream.host.real_disk import RealDisk

__all__ = [
    "Clock",
    "Disk",
    "Entropy",
    "File",
    "Host",
    "MemoryDisk",
    "RealDisk",
    "SystemClock",
    "VirtualClock",
    "real_host",
    "system_entropy",
]
