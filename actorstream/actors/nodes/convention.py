"""Where members of other hosts find this one, and what all of them must know.

Guarantees: nothing is open to other hosts unless an address was given, and then not without a secret; what is wrong is
told in one line, before anything starts.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from os import PathLike
from typing import Any, NamedTuple

from actorstream.actors.engine import EngineSettings
from actorstream.actors.engine.checks import check_address, check_files, read_secret
from actorstream.actors.engine.member_arguments import host_and_port
from actorstream.actors.nodes.membership import CONFIRM_US, Patience
from actorstream.actors.nodes.order import heartbeat_for
from actorstream.host import Tls


class Convention(NamedTuple):
    """See the module.

    Attributes:
        address: of this host, for others; "" if there are none.
        port: where members find it.
        secret: what all of them know; empty if there are none.
        tls: for connections between hosts.
        capabilities: what nodes of this host have.
        lost_after_us: how long a node may be silent.
    """

    address: str
    port: int
    secret: bytes
    tls: Tls | None
    capabilities: dict[str, Any]
    lost_after_us: int

    @property
    def is_open(self) -> bool:
        """Whether other hosts may take part."""
        return bool(self.address)

    def engine_settings(self) -> EngineSettings:
        """What the engine is told."""
        settings = EngineSettings(capabilities=self.capabilities, silence_seconds=-(-self.lost_after_us // 1_000_000))
        if not self.is_open:
            return settings
        return settings._replace(is_open=True, address=self.address, port=self.port, secret=self.secret)

    @property
    def listen_public(self) -> str:
        """Where the driver, and nodes of this host, listen for others."""
        return f"tcp:{self.address}:0" if self.is_open else ""

    @property
    def patience(self) -> Patience:
        """How long is waited for nodes."""
        return Patience(confirm_us=self.lost_after_us)

    @property
    def heartbeat_us(self) -> int:
        """How often nodes say that they live."""
        return heartbeat_for(self.lost_after_us)


def read_convention(
    address: str = "",
    secret: bytes | str | PathLike[str] | None = None,
    tls: Tls | None = None,
    capabilities: Mapping[str, Any] | None = None,
    lost_after_us: int = CONFIRM_US,
) -> Convention:
    """The settings, checked.

    Raises:
        ValueError: no address, no secret, or what is none.
        OSError: this host cannot listen there, or a file cannot be read.
    """
    own = dict(capabilities or {})
    if not address:
        if secret is not None or tls is not None:
            raise ValueError("secret= and tls= are for other hosts: say where they find this one, convention='IP:PORT'")
        return Convention("", 0, b"", None, own, lost_after_us)
    host, port = _read_address(address)
    if secret is None:
        raise ValueError(f"convention={address!r} opens this system to other hosts: give it secret=, bytes or a file")
    known = read_secret(secret)
    if tls is not None:
        check_files((tls.certificate, tls.key, tls.authority))
    check_address(host, port)
    return Convention(host, port, known, tls, own, lost_after_us)


def _read_address(text: str) -> tuple[str, int]:
    try:
        return host_and_port(text)
    except argparse.ArgumentTypeError as error:
        raise ValueError(f"convention: {error}") from None
