"""All that is not deterministic: clock, entropy, disk, network. Production and simulation differ only here."""

from actorstream.host.clock import Clock, SystemClock, VirtualClock
from actorstream.host.disk import Disk, File
from actorstream.host.entropy import Entropy, secret_bytes, system_entropy
from actorstream.host.host import Host, real_host
from actorstream.host.memory_disk import MemoryDisk
from actorstream.host.network import Connection, Listener, Network, Receiver
from actorstream.host.real_disk import RealDisk

__all__ = [
    "Clock",
    "Connection",
    "Disk",
    "Entropy",
    "File",
    "Host",
    "Listener",
    "MemoryDisk",
    "Network",
    "RealDisk",
    "Receiver",
    "SystemClock",
    "VirtualClock",
    "real_host",
    "secret_bytes",
    "system_entropy",
]
