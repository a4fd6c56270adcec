"""What runs in the process of a node: a loop with its actors, in a thread of its own."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace

import msgspec

from actorstream.actors.engine.calls import TLS_FILES
from actorstream.actors.engine.watchdog import Busy
from actorstream.actors.local import LocalScheduler
from actorstream.actors.nodes.node import NodeRuntime
from actorstream.actors.nodes.order import NodeOrder, hang_limit_us
from actorstream.host import RealNetwork, Tls, real_host


class NodeProcess:
    """A node in this process; it runs when this returns.

    Args:
        order: what it must know.
        end: called when it must end, with why.
    """

    def __init__(self, order: NodeOrder, end: Callable[[str], None]) -> None:
        sys.path[:] = [*order.sys_path, *(path for path in sys.path if path not in order.sys_path)]
        self._limit_us = hang_limit_us(order.confirm_us)
        self._scheduler = LocalScheduler(report_hangs=False)  # The lifeline does, and may end this process for it.
        self.thread_id = self._scheduler.thread_id
        host = real_host(".")
        tls = own_tls(order.tls)
        self._scheduler.call(
            lambda: NodeRuntime(
                order,
                host,
                RealNetwork(tls),
                self._scheduler,
                pid=os.getpid(),
                hostname=socket.gethostname(),
                end=end,
            )
        )

    def busy(self) -> Busy | None:
        """What handler runs now."""
        busy = self._scheduler.busy()
        if busy is None:
            return None
        return busy._replace(hang_after_us=min(busy.hang_after_us or self._limit_us, self._limit_us))


def own_tls(tls: Tls | None) -> Tls | None:
    """The files of this host, if it has been told of others than the driver's.

    Raises:
        ValueError: it has, and the driver does not encrypt.
    """
    files = os.environ.get(TLS_FILES)
    if not files:
        return tls
    if tls is None:
        raise ValueError("this host was told to use TLS, and the driver does not: give its ActorSystem tls=, too")
    certificate, key, authority = json.loads(files)
    return replace(tls, certificate=certificate, key=key, authority=authority)


def start(order: bytes, end: Callable[[str], None]) -> NodeProcess:
    """Begin to be the node that the order describes."""
    return NodeProcess(msgspec.msgpack.decode(order, type=NodeOrder), end)
