"""Which other hosts may have nodes: those that say all that is needed, and show that they know the secret.

A host shows that with a proof among its capabilities, which Thespian brings. It says early, and in one line, what would
otherwise be seen only when a node there is refused; it replaces no proof of a connection, because who reads what goes
through Thespian could repeat it.

Guarantees: a host that is not welcome is told of once, and gets no nodes.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from actorstream.actors.engine.notes import HostInfo
from actorstream.host.logs import logger

HOST_NODES_MAX = 64
"""Nodes that one host may offer."""

HOSTS_MAX = 256
"""Other hosts that may take part."""

_OWN = ("actorstream", "proof", "member", "nodes", "address")


def offer(secret: bytes, name: str, address: str, member: str, nodes: int) -> dict[str, Any]:
    """What a host says of itself, besides what it has; see `HostInfo`."""
    said = {"host": name, "address": address, "member": member, "nodes": nodes}
    return {**said, "proof": _proof(secret, name, address, member)}


class Hosts:
    """See the module.

    Args:
        name: of this host.
        secret: what members know.
    """

    def __init__(self, name: str, secret: bytes) -> None:
        self._name, self._secret = name, secret
        self._refused: dict[str, None] = {}  # By the address of their admin: those that are there, and not welcome.

    def welcome(self, hosts: Mapping[str, Mapping[str, Any]]) -> list[HostInfo]:
        """Those that may have nodes, of the hosts that there are, by the address of their admin."""
        found: list[HostInfo] = []
        refused, self._refused = self._refused, {}
        for admin, capabilities in hosts.items():
            host = host_of(capabilities)
            why = self._why_not(host, capabilities)
            if host is None or why or len(found) >= HOSTS_MAX:
                self._refused[admin] = None
                if admin not in refused:
                    reason = why or f"there are {HOSTS_MAX} hosts already"
                    logger().error("host refused", host=str(capabilities.get("host", "?"))[:100], reason=reason)
            else:
                found.append(host)
        return found

    def _why_not(self, host: HostInfo | None, capabilities: Mapping[str, Any]) -> str:
        if host is None:
            return "it is no member of this kind"
        if host.name == self._name:
            return "it has the name of this host; give it another --name"
        if host.name == "node":
            return "nodes of the driver's host have this name; give it another --name"
        proof = str(capabilities.get("proof", ""))
        expected = _proof(self._secret, host.name, host.address, host.member)
        if not hmac.compare_digest(proof.encode(), expected.encode()):
            return "it does not know the secret; its --secret-file differs"
        return ""


def host_of(capabilities: Mapping[str, Any]) -> HostInfo | None:
    """A host as its capabilities describe it; None if they do not say what is needed."""
    name, address, member = (capabilities.get(key) for key in ("host", "address", "member"))
    nodes = capabilities.get("nodes")
    if not (isinstance(name, str) and isinstance(address, str) and isinstance(member, str)):
        return None
    if not name or not isinstance(nodes, int) or not 0 < nodes <= HOST_NODES_MAX:
        return None
    return HostInfo(name, address, member, nodes, {key: capabilities[key] for key in capabilities if key not in _OWN})


def _proof(secret: bytes, name: str, address: str, member: str) -> str:
    said = "\x00".join(("member", name, address, member))
    return hmac.digest(secret, said.encode(), "sha256").hex()
