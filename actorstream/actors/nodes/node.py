"""A node: its actors, its links to the other nodes, and its faith in the driver. The same in a process and simulated.

A node that does not hear of the driver for too long ends itself: by then the driver has given it up, and its actors
begin elsewhere. So nobody does the same work twice for long, even if a network is cut in two.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from actorstream.actors.kernel import Kernel
from actorstream.actors.nodes import messages as m
from actorstream.actors.nodes.cluster import Cluster
from actorstream.actors.nodes.order import NodeOrder
from actorstream.actors.nodes.placement import DRIVER, Node
from actorstream.actors.scheduler import Scheduler
from actorstream.actors.wire import Links, Peer
from actorstream.host import Host, Network


class NodeRuntime:
    """See the module. Made, and used, on the scheduler's thread.

    Args:
        order: what it must know.
        host: its clock, entropy and disk.
        network: how it reaches others.
        scheduler: runs its actors.
        pid: of its process, for people.
        hostname: of its machine, for people.
        end: called, at most once, when it must end: with why, for people.
    """

    def __init__(
        self,
        order: NodeOrder,
        host: Host,
        network: Network,
        scheduler: Scheduler,
        *,
        pid: int,
        hostname: str,
        end: Callable[[str], None],
    ) -> None:
        self._order = order
        self._end: Callable[[str], None] | None = end
        self.kernel = Kernel(host, scheduler, order.number)
        me = Node(order.number, order.name, "", order.capabilities)
        self.cluster = Cluster(self.kernel, me)
        self.links = make_links(self.cluster, order, host, network, scheduler, self._on_silence, self._on_fenced)
        listen(self.links, order, me)
        self.cluster.handlers[m.StopNode] = lambda _, __: self.stop()
        self.cluster.add_node(Node(0, DRIVER, order.driver_address))
        self.cluster.tell(0, m.NodeReady(order.name, me.address, pid, hostname, order.capabilities, me.public))

    def stop(self) -> None:
        """Stop all actors, then end."""
        ended: Future[None] = Future()
        ended.add_done_callback(lambda _: self._finish("stopped"))
        self.kernel.close(ended)

    def _on_silence(self, number: int, silent_us: int) -> None:
        if silent_us < self._order.confirm_us:
            return
        if number == 0:
            self._finish(f"the driver has been silent for {silent_us / 1e6:.1f} s")
        else:
            self.cluster.tell(0, m.NodeUnreachable(number))

    def _on_fenced(self, _: int) -> None:
        self._finish("it was declared dead")

    def _finish(self, why: str) -> None:
        end, self._end = self._end, None
        if end is not None:
            self.links.close()
            end(why)


def listen(links: Links, order: NodeOrder, me: Node) -> None:
    """Take connections where the order says, and note where that is.

    Raises:
        OSError: it cannot be had.
    """
    me.address = links.listen(order.listen)
    if order.listen_public:
        me.public = links.listen(order.listen_public)


def make_links(
    cluster: Cluster,
    order: NodeOrder,
    host: Host,
    network: Network,
    scheduler: Scheduler,
    on_silence: Callable[[int, int], None],
    on_fenced: Callable[[int], None],
) -> Links:
    """The links of a node, through which its cluster sends."""
    links = Links(
        me=Peer(order.number, order.name, ""),
        cluster=order.cluster,
        secret=order.secret,
        host=host,
        network=network,
        after=scheduler.after,
        on_parcel=cluster.on_parcel,
        on_silence=on_silence,
        on_fenced=on_fenced,
        heartbeat_us=order.heartbeat_us,
    )
    cluster.join(links)
    return links
