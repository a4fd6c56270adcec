"""What an engine may be told about its host, and about others that may join."""

from __future__ import annotations

import socket
from typing import Any, NamedTuple

from actorstream.actors.engine.calls import SILENCE_SECONDS, TCP, UNIX


class EngineSettings(NamedTuple):
    """See the module.

    Attributes:
        stop_seconds: how long nodes may take to end by themselves when the engine is closed.
        is_open: whether other hosts may join, through `address` and `port`, and call the driver at `address`.
        address: of this host, for others; the loopback one if nobody joins.
        port: where Thespian's admin listens; 0 is any free one.
        name: of this host, in requirements.
        secret: what member hosts know, and nobody else.
        capabilities: what this host has.
        silence_seconds: how long another host may be silent before the connections to its nodes have ended.
    """

    stop_seconds: float = 2.0
    is_open: bool = False
    address: str = "127.0.0.1"
    port: int = 0
    name: str = socket.gethostname()
    secret: bytes = b""
    capabilities: dict[str, Any] = {}  # noqa: RUF012  # Never changed.
    silence_seconds: int = SILENCE_SECONDS

    def addresses(self, directory: str) -> list[str]:
        """Where the driver listens: for this host, and for others."""
        local = f"{UNIX}{directory}/driver.sock"
        return [local, f"{TCP}{self.address}:0"] if self.is_open else [local]

    def called_at(self, ports: list[int]) -> str:
        """Where other hosts call the driver."""
        return f"{TCP}{self.address}:{ports[0]}"

    def thespian_capabilities(self) -> dict[str, Any]:
        """What Thespian is told of this host."""
        joined = {"Convention Address.IPv4": f"{self.address}:{self.port}"} if self.is_open else {}
        return {**self.capabilities, "host": self.name, **joined}
