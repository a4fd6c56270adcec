"""The nodes of an actor system as processes, which Thespian makes."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

from actorstream.actors.engine import EngineEvents, HostInfo, LastWords, ThespianEngine
from actorstream.actors.kernel import Kernel
from actorstream.actors.local import LocalScheduler
from actorstream.actors.nodes.convention import Convention
from actorstream.actors.nodes.driver import Driver, Plan
from actorstream.actors.nodes.nodes import Nodes
from actorstream.actors.nodes.process import start
from actorstream.host import RealNetwork, secret_bytes

SECRET_BYTES = 32


class _Events:
    """Passes on what the engine says to the driver's leader, which is made after the engine."""

    leader: EngineEvents

    def on_started(self, number: int, pid: int, host: str) -> None:
        self.leader.on_started(number, pid, host)

    def on_exited(self, number: int, last_words: LastWords | None) -> None:
        self.leader.on_exited(number, last_words)

    def on_hosts(self, hosts: Sequence[HostInfo]) -> None:
        self.leader.on_hosts(hosts)

    def on_broken(self, why: str) -> None:
        self.leader.on_broken(why)


def process_nodes(kernel: Kernel, scheduler: LocalScheduler, count: int, convention: Convention) -> Nodes:
    """So many processes on this machine, all up; others come when their hosts join.

    Raises:
        ActorTerminated: they could not be started.
    """
    events = _Events()
    engine = ThespianEngine(
        events,
        scheduler.post,
        entry=f"{start.__module__}:{start.__name__}",
        settings=convention.engine_settings(),
    )
    try:
        plan = Plan(
            cluster=engine.directory,
            secret=convention.secret or secret_bytes(SECRET_BYTES),
            listen=lambda number: f"unix:{engine.directory}/node-{number}",
            listen_public=convention.listen_public,
            tls=convention.tls,
            capabilities={**convention.capabilities, "host": socket.gethostname()},
            patience=convention.patience,
            heartbeat_us=convention.heartbeat_us,
            sys_path=sys.path,
            main_path=getattr(sys.modules["__main__"], "__file__", None),
        )
        driver = scheduler.call(lambda: Driver(kernel, kernel.host, RealNetwork(convention.tls), plan))
        events.leader = driver.leader
        return Nodes(driver, scheduler, engine, count)
    except BaseException:
        engine.close()
        raise
