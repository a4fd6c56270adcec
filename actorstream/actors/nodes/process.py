"""What runs in the process of a node: a loop with its actors, in a thread of its own."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable

import msgspec

from actorstream.actors.engine.watchdog import Busy
from actorstream.actors.local import LocalScheduler
from actorstream.actors.nodes.node import NodeRuntime
from actorstream.actors.nodes.order import NodeOrder
from actorstream.host import RealNetwork, real_host


class NodeProcess:
    """A node in this process; it runs when this returns.

    Args:
        order: what it must know.
        end: called when it must end, with why.
    """

    def __init__(self, order: NodeOrder, end: Callable[[str], None]) -> None:
        sys.path[:] = [*order.sys_path, *(path for path in sys.path if path not in order.sys_path)]
        self._scheduler = LocalScheduler(report_hangs=False)  # The lifeline does, and may end this process for it.
        self.thread_id = self._scheduler.thread_id
        host = real_host(".")
        self._scheduler.call(
            lambda: NodeRuntime(
                order,
                host,
                RealNetwork(),
                self._scheduler,
                pid=os.getpid(),
                hostname=socket.gethostname(),
                end=end,
            )
        )

    def busy(self) -> Busy | None:
        """What handler runs now."""
        return self._scheduler.busy()


def start(order: bytes, end: Callable[[str], None]) -> NodeProcess:
    """Begin to be the node that the order describes."""
    return NodeProcess(msgspec.msgpack.decode(order, type=NodeOrder), end)
