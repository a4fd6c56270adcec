"""The driver: the process of the program that started the system, and its part in the cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from actorstream.actors.engine import Engine, HostInfo
from actorstream.actors.kernel import Kernel
from actorstream.actors.nodes.cluster import Cluster
from actorstream.actors.nodes.leader import Leader
from actorstream.actors.nodes.membership import Membership, Patience
from actorstream.actors.nodes.node import listen, make_links
from actorstream.actors.nodes.order import HEARTBEAT_US, NodeOrder
from actorstream.actors.nodes.placement import DRIVER, Node
from actorstream.host import Host, Network, Tls


@dataclass(frozen=True, slots=True)
class Plan:
    """What a cluster is like.

    Attributes:
        cluster: its name; nodes of other clusters are refused.
        secret: what its nodes know.
        listen: where a node of this number listens, for others of this host.
        listen_public: where nodes of this host listen for those of other hosts; "": there are none.
        tls: for connections between hosts.
        capabilities: what nodes of this host have.
        patience: how long it waits, and how often it tries.
        heartbeat_us: how often nodes say that they live.
        sys_path: where modules are found.
        main_path: the file of the program.
    """

    cluster: str
    secret: bytes
    listen: Callable[[int], str]
    listen_public: str = ""
    tls: Tls | None = None
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    patience: Patience = Patience()  # noqa: RUF009  # Frozen.
    heartbeat_us: int = HEARTBEAT_US
    sys_path: Sequence[str] = ()
    main_path: str | None = None

    def order(self, number: int, name: str, driver: Node, host: HostInfo | None = None) -> NodeOrder:
        """What a node is told, on this host or on another one."""
        return NodeOrder(
            number=number,
            name=name,
            cluster=self.cluster,
            driver_address=driver.public if host else driver.address,
            listen=f"tcp:{host.address}:0" if host else self.listen(number),
            listen_public="" if host else self.listen_public,
            tls=self.tls,
            capabilities=dict(host.capabilities if host else self.capabilities),
            secret=self.secret,
            heartbeat_us=self.heartbeat_us,
            confirm_us=self.patience.confirm_us,
            sys_path=list(self.sys_path),
            main_path=self.main_path,
        )


class Driver:
    """See the module. Made, and used, on the thread of the kernel."""

    def __init__(self, kernel: Kernel, host: Host, network: Network, plan: Plan) -> None:
        me = Node(0, DRIVER, "")
        self._cluster = Cluster(kernel, me)
        self._kernel = kernel
        membership = Membership(host.entropy.stream("membership"), plan.patience)
        self.leader = Leader(
            kernel,
            self._cluster,
            membership,
            lambda number, name, host: plan.order(number, name, me, host),
            lambda error: kernel.root.fail(error, None),
        )
        order = plan.order(0, DRIVER, me)
        self._links = make_links(
            self._cluster, order, host, network, kernel.scheduler, self.leader.on_silence, lambda _: None
        )
        listen(self._links, order, me)

    def start(self, count: int, engine: Engine) -> Future[None]:
        """Start so many nodes; the future is set when all are up."""
        complete: Future[None] = Future()
        self.leader.start([f"node-{index + 1}" for index in range(count)], engine)
        self.leader.when_complete(lambda: complete.set_result(None))
        return complete

    def names(self) -> list[str]:
        """The nodes that live."""
        return [node.name for node in self._cluster.nodes.values()]

    def locate(self, path: str) -> Future[int | None]:
        """On which node `path` lives."""
        found: Future[int | None] = Future()
        self._cluster.locate(path, found.set_result)
        return found

    def describe(self) -> Future[Mapping[str, bytes]]:
        """What lives on other nodes, by path, as JSON."""
        found: Future[Mapping[str, bytes]] = Future()
        self.leader.describe(found.set_result)
        return found

    def stop(self) -> None:
        """Everything has been stopped: let the nodes end."""
        self.leader.close()

    def close(self) -> None:
        """Nothing is sent or taken any more."""
        self._cluster.close()
