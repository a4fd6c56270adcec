"""Simulated nodes: every node of a cluster in one thread, over one clock, and what befalls them.

Theory of operation. Each node has a scheduler of its own (`node_scheduler`). A node that crashes hands nothing on any
more; one that is paused keeps what it should do until it goes on.

A node can be killed at once where its machine can be reached. Where a cable is cut, or the machine sleeps, the order
to kill it is lost: the node is supposed to end itself within `FAITH_US`, and counts as dead after `UNREACHABLE_US`. A
machine that sleeps ends nothing, so it may wake as a zombie: another machine has taken its place by then, with a disk
of its own, and the zombie goes on for a moment, with the connections and the beliefs that it had.

Nodes have disks that outlive them, and clocks that may jump. What they say to each other goes through the real codec.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from actorstream.actors.cell import Cell
from actorstream.actors.engine import Hung, LastWords, Order
from actorstream.actors.hanging import hang_next
from actorstream.actors.kernel import Kernel
from actorstream.actors.message import Message
from actorstream.actors.nodes.convention import Convention
from actorstream.actors.nodes.driver import Driver, Plan
from actorstream.actors.nodes.node import NodeRuntime
from actorstream.actors.nodes.node_scheduler import NodeScheduler
from actorstream.actors.nodes.nodes import Nodes
from actorstream.actors.nodes.order import NodeOrder, hang_limit_us
from actorstream.actors.nodes.placement import DRIVER
from actorstream.actors.observing import kind_of
from actorstream.actors.ref import Ref
from actorstream.actors.simulation import SimulationScheduler
from actorstream.host import Entropy, Host, MemoryDisk, MemoryFabric, Programs, SkewedClock, VirtualClock
from actorstream.host.memory_connection import Endpoint

LAUNCH_US = (5_000, 40_000)
"""How long a simulated process takes to start, from and to."""

REPORT_US = (500, 5_000)
"""How long it takes until the end of a process is certain, from and to."""

FAITH_US = 5_000_000
"""How long a process that nobody can reach goes on before it ends itself."""

UNREACHABLE_US = 7_000_000
"""After how long a process that nobody can reach counts as dead."""

LOOK_US = 100_000
"""How long a zombie takes, once awake, until it sees that it should have ended: at most."""


@dataclass(slots=True)
class Machine:
    """What outlives the processes of one node."""

    disk: MemoryDisk
    clock: SkewedClock
    process: Process | None = None


@dataclass(slots=True)
class Process:
    """One life of a simulated node.

    Attributes:
        confirm_us: how long the driver lets it be silent.
        is_asleep: its machine sleeps.
        is_doomed: somebody wanted to kill it, and could not reach it.
        given_up: its end of the network, once another process has taken its place.
    """

    number: int
    name: str
    scheduler: NodeScheduler
    confirm_us: int
    runtime: NodeRuntime | None = None
    is_asleep: bool = False
    is_doomed: bool = False
    given_up: Endpoint | None = None


class World:
    """All simulated nodes, as an `Engine`, and the faults that befall them.

    Attributes:
        fabric: the network between them: its weather, cuts.
        happened: how often each fault struck, and what became of it: `unreachable` (an order to kill that was lost),
            `replaced` (a machine that sleeps has a successor), `woken` (and then woke).
        machines: by the name of the node.
        programs: what makes each program that is installed on the nodes, by its name.
    """

    def __init__(self, scheduler: SimulationScheduler, clock: VirtualClock, entropy: Entropy) -> None:
        self._scheduler = scheduler
        scheduler.is_endless = True
        self._clock = clock
        self._entropy = entropy.stream("world")
        self.fabric = MemoryFabric(scheduler.after, entropy.stream("network"))
        self.happened: Counter[str] = Counter()
        self.machines: dict[str, Machine] = {}
        self.programs: dict[str, Callable[[], Any]] = {}
        self.on_exited: Callable[[int, LastWords | None], None] = lambda number, words: None
        self._zombies: list[Process] = []

    # --- as an engine ------------------------------------------------------------------------------------------------

    def start_node(self, order: Order, requirements: Mapping[str, Any] | None = None) -> None:
        """See `Engine`."""
        assert isinstance(order, NodeOrder)
        machine = self.machines.get(order.name)
        if machine is None:
            machine = self.machines[order.name] = Machine(MemoryDisk(), SkewedClock(self._clock))
        assert machine.process is None
        scheduler = NodeScheduler(self._scheduler, order.name, machine.disk)
        machine.process = process = Process(order.number, order.name, scheduler, order.confirm_us)
        scheduler.after(self._entropy.between(*LAUNCH_US), partial(self._launch, order, machine, process))

    def _launch(self, order: NodeOrder, machine: Machine, process: Process) -> None:
        entropy = self._entropy.stream(f"{order.name}#{order.number}")
        process.runtime = NodeRuntime(
            order,
            Host(machine.clock, entropy, machine.disk, Programs(self.programs)),
            self.fabric.network(order.name),
            process.scheduler,
            pid=order.number,
            hostname=order.name,
            end=lambda why: self._end(process),
        )

    def kill_node(self, number: int) -> None:
        """See `Engine`."""
        for process in self._processes():
            if process.number == number and self._is_reachable(process):
                self._end(process)
            elif process.number == number and not process.is_doomed:
                self._doom(process)

    @property
    def scheduler(self) -> SimulationScheduler:
        """The simulation's."""
        return self._scheduler

    def close(self) -> None:
        """See `Engine`."""
        for process in [*self._processes(), *self._zombies]:
            process.scheduler.kill()

    def _processes(self) -> list[Process]:
        """Those that live, and have not been given up."""
        return [machine.process for machine in self.machines.values() if machine.process is not None]

    def _running(self, name: str) -> Process | None:
        machine = self.machines.get(name)
        return machine.process if machine is not None else None

    def _is_reachable(self, process: Process) -> bool:
        return not process.is_asleep and not self.fabric.is_cut(DRIVER, process.name)

    def _doom(self, process: Process) -> None:
        """The order to kill it is lost: either it notices that nobody wants it any more, or its machine sleeps."""
        self.happened["unreachable"] += 1
        process.is_doomed = True
        self._scheduler.after(FAITH_US, partial(self._lose_faith, process))
        self._scheduler.after(UNREACHABLE_US, partial(self._give_up, process))

    def _lose_faith(self, process: Process) -> None:
        if not process.is_asleep:
            self._end(process)

    def _give_up(self, process: Process) -> None:
        """It counts as dead. Only a machine that sleeps may prove that wrong."""
        if process.scheduler.is_alive:
            assert process.is_asleep
            del self.machines[process.name]
            self.happened["replaced"] += 1
            if process.runtime is None:
                process.scheduler.kill()
            else:
                process.given_up = self.fabric.replace(process.name)
                self._zombies.append(process)
        self.on_exited(process.number, None)

    def _end(self, process: Process, *, silent: bool = False, hung: Hung | None = None) -> None:
        if not process.scheduler.is_alive:
            return
        is_heard = not silent and self._is_reachable(process)
        process.scheduler.kill()
        if process.given_up is not None:
            self._zombies.remove(process)
            self.fabric.end(process.given_up, silent)
            return
        self.machines[process.name].process = None
        self.fabric.crash(process.name, silent=silent)
        words = LastWords(f"{hung.path} hangs", hung) if hung is not None else None
        report = partial(self.on_exited, process.number, words)
        self._scheduler.after(self._entropy.between(*REPORT_US) if is_heard else UNREACHABLE_US, report)

    # --- looking -----------------------------------------------------------------------------------------------------

    def kernels(self) -> dict[str, Kernel]:
        """The kernels of the nodes that run, by name."""
        found = {}
        for name, machine in self.machines.items():
            if machine.process is not None and machine.process.runtime is not None:
                found[name] = machine.process.runtime.kernel
        return found

    def actors(self) -> list[Ref]:
        """All actors of all nodes that run, but for those of the driver."""
        return [cell.ref for kernel in self.kernels().values() for path, cell in kernel.cells.items() if path]

    # --- faults ------------------------------------------------------------------------------------------------------

    def crash(self, name: str, *, host: bool = False) -> bool:
        """The process of a node is killed, or its host loses power; False if it does not run."""
        process = self._running(name)
        if process is None:
            return False
        self.happened["crash_host" if host else "crash_process"] += 1
        disk = self.machines[name].disk
        (disk.crash_host if host else disk.crash_process)(self._entropy)
        self._end(process, silent=host)
        return True

    def crash_actor(self, ref: Ref, error: Exception) -> bool:
        """An actor fails as if a handler had raised `error`; False if it runs on no node."""
        crashed = any(kernel.crash(ref, error) for kernel in self.kernels().values())
        self.happened["crash_actor"] += crashed
        return crashed

    def hang(self, ref: Ref) -> bool:
        """The next handler of an actor never returns, and its node stands still with it; False if it runs on no node.

        The node is killed for it after the actor's `hang_after`, and before the driver would give it up for silence.
        """
        for process in self._processes():
            cell = process.runtime.kernel.cells.get(ref.path) if process.runtime is not None else None
            if cell is not None and cell.is_alive:
                hang_next(cell, partial(self._on_hung, process))
                return True
        return False

    def _on_hung(self, process: Process, cell: Cell, message: Message) -> None:
        self.happened["hang"] += 1
        process.scheduler.hung = cell
        self._stand_still(process)
        limit_us = hang_limit_us(process.confirm_us)
        hang_after_us = min(cell.spec.hang_after_us or limit_us, limit_us)
        hung = Hung(cell.path, kind_of(message), hang_after_us / 1e6, "")
        self._scheduler.after(hang_after_us, partial(self._end, process, hung=hung))

    def _stand_still(self, process: Process) -> None:
        process.scheduler.pause()
        if process.given_up is not None:
            process.given_up.pause()
        elif process.runtime is not None:
            self.fabric.pause(process.name)

    def pause(self, name: str) -> bool:
        """The machine of a node sleeps until `resume`; False if the node is down, or asleep already."""
        process = self._running(name)
        if process is None or process.is_asleep:
            return False
        self.happened["zombie"] += 1
        process.is_asleep = True
        self._stand_still(process)
        return True

    def resume(self, name: str) -> None:
        """All machines wake that were that node's: the node goes on, and believes what it believed."""
        for process in [*self._processes(), *self._zombies]:
            if process.name == name and process.is_asleep:
                self._wake(process)

    def _wake(self, process: Process) -> None:
        process.is_asleep = False
        if process.is_doomed:
            self.happened["woken"] += 1
            self._scheduler.after(self._entropy.between(1, LOOK_US), partial(self._end, process))
        if process.scheduler.hung is not None:
            return
        process.scheduler.resume()
        if process.given_up is not None:
            process.given_up.resume()
        elif process.runtime is not None:
            self.fabric.resume(process.name)

    def jump(self, name: str, by_us: int) -> bool:
        """The wall clock of a node jumps; False if there is no such node."""
        if name not in self.machines:
            return False
        self.happened["clock_jump"] += 1
        self.machines[name].clock.jump(by_us)
        return True

    def disk(self, name: str) -> MemoryDisk | None:
        """The disk of a node: it may be full, lie or be slow; None if there is no such node."""
        machine = self.machines.get(name)
        return machine.disk if machine is not None else None


def simulated_nodes(
    kernel: Kernel, scheduler: SimulationScheduler, seed: int, count: int, convention: Convention
) -> Nodes:
    """So many simulated nodes, all up."""
    clock = kernel.host.clock
    assert isinstance(clock, VirtualClock)
    entropy = Entropy(seed).stream("cluster")
    world = World(scheduler, clock, entropy)
    plan = Plan(
        cluster="simulation",
        secret=b"simulated",
        listen=lambda number: f"unix:{number}",
        capabilities=convention.capabilities,
        patience=convention.patience,
        heartbeat_us=convention.heartbeat_us,
    )
    driver = Driver(kernel, kernel.host, world.fabric.network(DRIVER), plan)
    world.on_exited = driver.leader.on_exited
    return Nodes(driver, scheduler, world, count, world)
