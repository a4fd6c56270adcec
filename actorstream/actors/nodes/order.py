"""What a node is told when it starts."""

from __future__ import annotations

from typing import Any

import msgspec

from actorstream.actors.nodes.membership import CONFIRM_US
from actorstream.host import Tls

HEARTBEAT_US = 500_000
"""How often nodes say that they live, when they have nothing else to say."""

BEATS_BEFORE_LOST = 5
"""So many times, at least, a node must have failed to say that it lives before it is given up."""


def heartbeat_for(lost_after_us: int) -> int:
    """How often nodes say that they live, if they are given up after so long."""
    return min(HEARTBEAT_US, lost_after_us // BEATS_BEFORE_LOST)


def hang_limit_us(confirm_us: int) -> int:
    """How long a handler on a node may run at most: a little less than the node may be silent.

    While a handler runs its node says nothing, so a longer one would end it as lost, and nobody would know why.
    """
    return confirm_us * 4 // 5


class NodeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """See the module.

    Attributes:
        number: no other life of any node of the cluster has it.
        name: of the place that it fills.
        cluster: the name of the cluster; nodes of other ones are refused.
        driver_address: where the driver listens.
        listen: where to listen.
        listen_public: where to listen for nodes of other hosts, too, if `listen` cannot be reached from there.
        tls: the files for connections between hosts; None: they are not encrypted.
        secret: what all nodes of the cluster know, and nobody else.
        capabilities: what it has; actors may ask for it.
        heartbeat_us: how often to say that it lives.
        confirm_us: how long the driver may be silent before the node ends itself.
        sys_path: where the driver finds modules.
        main_path: the file that the driver's program was started with.
    """

    number: int
    name: str
    cluster: str
    driver_address: str
    listen: str
    secret: bytes
    listen_public: str = ""
    tls: Tls | None = None
    capabilities: dict[str, Any] = {}
    heartbeat_us: int = HEARTBEAT_US
    confirm_us: int = CONFIRM_US
    sys_path: list[str] = []
    main_path: str | None = None
