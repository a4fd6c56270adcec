"""A TCP port for somebody who is told where to listen, and does so only later."""

from __future__ import annotations

import contextlib
import socket

from actorstream.host import system_entropy

FIRST, LAST = 20_000, 32_767
"""Where ports are looked for: below those that systems give to outgoing connections (Linux from 32768 on, others
from 49152 on), so that no connection takes the port before its listener comes."""

TRIES_MAX = 100
"""How many ports may be taken in a row."""


def free_port(address: str) -> int:
    """A port of this address where nobody listens.

    Raises:
        OSError: the address is not of this host, or ports are scarce.
    """
    entropy = system_entropy()
    for _ in range(TRIES_MAX - 1):
        with contextlib.suppress(OSError):
            return _tried(address, entropy.between(FIRST, LAST))
    return _tried(address, entropy.between(FIRST, LAST))


def _tried(address: str, port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
    return port
