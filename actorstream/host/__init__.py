"""All that is not deterministic: clock, entropy, disk, network. Production and simulation differ only here."""

from actorstream.host.clock import Clock, SkewedClock, SystemClock, VirtualClock
from actorstream.host.disk import Disk, File
from actorstream.host.entropy import Entropy, secret_bytes, system_entropy
from actorstream.host.host import Host, real_host
from actorstream.host.memory_disk import MemoryDisk
from actorstream.host.memory_network import MemoryFabric
from actorstream.host.network import Connection, Listener, Network, Receiver
from actorstream.host.ordered_map import MemoryMap, OrderedMap
from actorstream.host.programs import Programs
from actorstream.host.real_disk import RealDisk
from actorstream.host.real_network import RealNetwork
from actorstream.host.rocks_map import RocksMap, require_rocksdb
from actorstream.host.tls import Tls
from actorstream.host.weather import Weather

__all__ = [
    "Clock",
    "Connection",
    "Disk",
    "Entropy",
    "File",
    "Host",
    "Listener",
    "MemoryDisk",
    "MemoryFabric",
    "MemoryMap",
    "Network",
    "OrderedMap",
    "Programs",
    "RealDisk",
    "RealNetwork",
    "Receiver",
    "RocksMap",
    "SkewedClock",
    "SystemClock",
    "Tls",
    "VirtualClock",
    "Weather",
    "real_host",
    "require_rocksdb",
    "secret_bytes",
    "system_entropy",
]
