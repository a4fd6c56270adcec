"""Simulated nodes: every node of a cluster in one thread, over one clock, and what befalls them.

Theory of operation. Each node has a scheduler of its own, which passes everything on to the one of the simulation as
long as the node lives. A node that crashes hands nothing on any more; one that is paused keeps what it should do until
it goes on, as a process that was stopped, or a machine that slept: a zombie, if the others have given it up meanwhile.

Nodes have disks that outlive them, and clocks that may jump. What they say to each other goes through the real codec.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from actorstream.actors.agenda import Event
from actorstream.actors.cell import Cell
from actorstream.actors.engine import Hung, LastWords, Order
from actorstream.actors.kernel import Kernel
from actorstream.actors.nodes.driver import Driver, Plan
from actorstream.actors.nodes.membership import Patience
from actorstream.actors.nodes.node import NodeRuntime
from actorstream.actors.nodes.nodes import Nodes
from actorstream.actors.nodes.order import NodeOrder, heartbeat_for
from actorstream.actors.nodes.placement import DRIVER
from actorstream.actors.ref import Ref
from actorstream.actors.scheduler import Finished
from actorstream.actors.simulation import SimulationScheduler
from actorstream.host import Disk, Entropy, Host, MemoryDisk, MemoryFabric, SkewedClock, VirtualClock

T = TypeVar("T")

LAUNCH_US = (5_000, 40_000)
"""How long a simulated process takes to start, from and to."""

REPORT_US = (500, 5_000)
"""How long it takes until the end of a process is certain, from and to."""


class NodeScheduler:
    """The scheduler of one simulated node; see the module.

    Attributes:
        prefix: what its actors' paths begin with in the trace.
    """

    is_own_thread = True
    hung: Cell | None = None

    def __init__(self, base: SimulationScheduler, name: str) -> None:
        self._base = base
        self.prefix = f"{name}:"
        self.is_alive = True
        self._is_paused = False
        self._held: list[Callable[[], None]] = []

    def admit(self, cell: Cell) -> bool:
        """Whether this cell, whose turn it is, may go on."""
        if self._is_paused and self.is_alive:
            self._held.append(partial(self._base.ready, cell))
        return self.is_alive and not self._is_paused

    def ready(self, cell: Cell) -> None:
        """See `Scheduler`."""
        self._base.ready(cell)

    def after(self, delay_us: int, fire: Callable[[], None]) -> Event:
        """See `Scheduler`."""
        return self._base.after(delay_us, partial(self.do, fire))

    def background(self, work: Callable[[], Any], finished: Finished) -> None:
        """See `Scheduler`."""
        self._base.background(
            lambda: work() if self.is_alive else None,
            lambda result, error: self.do(partial(finished, result, error)),
        )

    def do(self, act: Callable[[], None]) -> None:
        """Let `act` happen on this node, when it goes on; never, if it is dead."""
        if self._is_paused:
            self._held.append(act)
        elif self.is_alive:
            act()

    def call(self, function: Callable[[], Any]) -> Any:
        """See `Scheduler`."""
        return function()

    def post(self, function: Callable[[], None]) -> None:
        """See `Scheduler`."""
        self.do(function)

    def wait(self, future: Future[T], timeout_us: int) -> T:
        """See `Scheduler`."""
        return self._base.wait(future, timeout_us)

    def close(self) -> None:
        """See `Scheduler`."""

    def kill(self) -> None:
        """Nothing of it happens any more."""
        self.is_alive = False
        self._held.clear()

    def pause(self) -> None:
        """It stands still."""
        self._is_paused = True

    def resume(self) -> None:
        """It goes on where it stood."""
        self._is_paused = False
        held, self._held = self._held, []
        for act in held:
            self._base.after(0, partial(self.do, act))


@dataclass(slots=True)
class Machine:
    """What outlives the processes of one node."""

    disk: Disk
    clock: SkewedClock
    process: Process | None = None


@dataclass(slots=True)
class Process:
    """One life of a simulated node."""

    number: int
    scheduler: NodeScheduler
    runtime: NodeRuntime | None = None


class World:
    """All simulated nodes, as an `Engine`, and the faults that befall them.

    Attributes:
        fabric: the network between them: its weather, cuts.
        happened: how often each fault struck.
    """

    def __init__(self, scheduler: SimulationScheduler, clock: VirtualClock, entropy: Entropy) -> None:
        self._scheduler = scheduler
        scheduler.is_endless = True
        self._clock = clock
        self._entropy = entropy.stream("world")
        self.fabric = MemoryFabric(scheduler.after, entropy.stream("network"))
        self.happened: Counter[str] = Counter()
        self.machines: dict[str, Machine] = {}
        self.on_exited: Callable[[int, LastWords | None], None] = lambda number, words: None

    # --- as an engine ------------------------------------------------------------------------------------------------

    def start_node(self, order: Order, requirements: Mapping[str, Any] | None = None) -> None:
        """See `Engine`."""
        assert isinstance(order, NodeOrder)
        machine = self.machines.get(order.name)
        if machine is None:
            machine = self.machines[order.name] = Machine(MemoryDisk(), SkewedClock(self._clock))
        assert machine.process is None
        machine.process = process = Process(order.number, NodeScheduler(self._scheduler, order.name))
        process.scheduler.after(self._entropy.between(*LAUNCH_US), partial(self._launch, order, machine, process))

    def _launch(self, order: NodeOrder, machine: Machine, process: Process) -> None:
        entropy = self._entropy.stream(f"{order.name}#{order.number}")
        process.runtime = NodeRuntime(
            order,
            Host(machine.clock, entropy, machine.disk),
            self.fabric.network(order.name),
            process.scheduler,
            pid=order.number,
            hostname=order.name,
            end=lambda why: self._end(order.name),
        )

    def kill_node(self, number: int) -> None:
        """See `Engine`."""
        for name, machine in self.machines.items():
            if machine.process is not None and machine.process.number == number:
                self._end(name)

    @property
    def scheduler(self) -> SimulationScheduler:
        """The simulation's."""
        return self._scheduler

    def close(self) -> None:
        """See `Engine`."""
        for machine in self.machines.values():
            if machine.process is not None:
                machine.process.scheduler.kill()

    def _end(self, name: str, *, silent: bool = False, hung: Hung | None = None) -> None:
        machine = self.machines[name]
        process, machine.process = machine.process, None
        if process is None:
            return
        process.scheduler.kill()
        self.fabric.crash(name, silent=silent)
        words = LastWords(f"{hung.path} hangs", hung) if hung is not None else None
        report = partial(self.on_exited, process.number, words)
        self._scheduler.after(self._entropy.between(*REPORT_US), report)

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
        machine = self.machines.get(name)
        if machine is None or machine.process is None:
            return False
        self.happened["crash_host" if host else "crash_process"] += 1
        if isinstance(machine.disk, MemoryDisk):
            (machine.disk.crash_host if host else machine.disk.crash_process)(self._entropy)
        self._end(name, silent=host)
        return True

    def crash_actor(self, ref: Ref, error: Exception) -> bool:
        """An actor fails as if a handler had raised `error`; False if it runs on no node."""
        crashed = any(kernel.crash(ref, error) for kernel in self.kernels().values())
        self.happened["crash_actor"] += crashed
        return crashed

    def pause(self, name: str) -> bool:
        """A node stands still until `resume`, as a stopped process, or a machine that sleeps; False if it is down."""
        machine = self.machines.get(name)
        if machine is None or machine.process is None:
            return False
        self.happened["zombie"] += 1
        machine.process.scheduler.pause()
        self.fabric.pause(name)
        return True

    def resume(self, name: str) -> None:
        """It goes on, and believes what it believed."""
        machine = self.machines[name]
        self.fabric.resume(name)
        if machine.process is not None:
            machine.process.scheduler.resume()

    def jump(self, name: str, by_us: int) -> None:
        """The wall clock of a node jumps."""
        self.happened["clock_jump"] += 1
        self.machines[name].clock.jump(by_us)


def simulated_nodes(kernel: Kernel, scheduler: SimulationScheduler, seed: int, count: int, lost_after_us: int) -> Nodes:
    """So many simulated nodes, all up."""
    clock = kernel.host.clock
    assert isinstance(clock, VirtualClock)
    entropy = Entropy(seed).stream("cluster")
    world = World(scheduler, clock, entropy)
    plan = Plan(
        cluster="simulation",
        secret=b"simulated",
        listen=lambda number: f"unix:{number}",
        patience=Patience(confirm_us=lost_after_us),
        heartbeat_us=heartbeat_for(lost_after_us),
    )
    driver = Driver(kernel, kernel.host, world.fabric.network(DRIVER), plan)
    world.on_exited = driver.leader.on_exited
    return Nodes(driver, scheduler, world, count, world)
