"""The actor system: the door through which everybody who is not an actor reaches the actors."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from actorstream.actors.actor import Actor
from actorstream.actors.dead_letters import DeadLetter
from actorstream.actors.durations import Duration, as_us
from actorstream.actors.kernel import Failure, Kernel
from actorstream.actors.limits import STOP_SECONDS
from actorstream.actors.local import LocalScheduler
from actorstream.actors.message import Crash, Message
from actorstream.actors.nodes.loading import on_system
from actorstream.actors.poison_book import PoisonBook
from actorstream.actors.ref import NOBODY, Ref
from actorstream.actors.simulation import STEP_US, SimulationScheduler
from actorstream.actors.trace import Trace
from actorstream.actors.tree import show_tree
from actorstream.errors import AskTimeout
from actorstream.host import Entropy, Host, MemoryDisk, Tls, VirtualClock, real_host

if TYPE_CHECKING:
    from actorstream.actors.nodes.convention import Convention
    from actorstream.actors.nodes.nodes import Nodes
    from actorstream.actors.nodes.simulated import World

NODES_MAX = 64
"""Processes that one system may start on this machine."""

LOST_AFTER_MIN_US = 100_000
"""A node that is given up sooner may only have been busy."""

DRIVER = "node-0"
"""The name of this process as a node."""


class InjectedCrash(Exception):
    """The failure of an actor that a simulation crashed on purpose."""


class ActorSystem:
    """Actors, and the runtime under them.

    Args:
        nodes: further processes, in which actors may live; in a simulation, simulated ones. 0: all in this process.
        runtime: "local" (an event loop in a thread, and with `nodes` processes that Thespian starts) or "simulation"
            (this thread, virtual time).
        seed: of the simulation: order and pauses. None: first come, first served, nothing by chance.
        host: clock, entropy and disk; by default the machine's, and in a simulation virtual ones. A simulation's
            may be given to a later one, which goes on with its time and its files.
        step_us: how far one step of a simulation moves virtual time, from and to.
        convention: an address of this host and a port, such as "10.0.0.1:1900", where members on other hosts join
            (`actorstream node`). "": nobody joins, and nothing can be reached from other hosts.
        secret: with a convention, what members know, too: bytes, or a file that holds it.
        tls: with a convention, encrypts what nodes of different hosts say to each other.
        capabilities: what nodes of this host have, besides "host", its name; actors may ask for it (`node=`).
        lost_after: how long a node may be silent; then it is killed, and its actors go on elsewhere. A node that does
            not hear of this process for so long ends itself. A process that has died is noticed at once.

    Leaving the `with` block stops all actors in reverse order, and leaves no thread.

    Example:
        >>> from actorstream.actors import Actor, Context, Message, receives
        >>> class Greet(Message):
        ...     name: str
        >>> class Greeter(Actor, accepts=Greet):
        ...     @receives(Greet)
        ...     def on_greet(self, greet: Greet, context: Context) -> None:
        ...         context.reply(Greet(f"hello {greet.name}"))
        >>> with ActorSystem() as system:
        ...     greeter = system.spawn(Greeter, name="greeter")
        ...     system.ask(greeter, Greet("Ada"), timeout="1s")
        Greet(name='hello Ada')
    """

    def __init__(
        self,
        nodes: int = 0,
        *,
        runtime: Literal["local", "simulation"] = "local",
        seed: int | None = 0,
        host: Host | None = None,
        step_us: tuple[int, int] = STEP_US,
        convention: str = "",
        secret: bytes | str | PathLike[str] | None = None,
        tls: Tls | None = None,
        capabilities: Mapping[str, Any] | None = None,
        lost_after: Duration = "5s",
    ) -> None:
        on_system()
        lost_after_us = as_us(lost_after, what="lost_after")
        if lost_after_us < LOST_AFTER_MIN_US:
            raise ValueError(f"lost_after is {lost_after!r}; nodes cannot be judged in less than 100ms")
        if not 0 <= nodes <= NODES_MAX:
            raise ValueError(f"nodes is {nodes}; use a number from 0 to {NODES_MAX}")
        if runtime == "simulation" and convention:
            raise ValueError("nobody joins a simulation; leave out convention=")
        joint: Convention | None = None
        if nodes or convention or secret is not None or tls is not None:
            from actorstream.actors.nodes.convention import read_convention

            joint = read_convention(convention, secret, tls, capabilities, lost_after_us)
        own_host = host is not None  # Otherwise no directory is the system's own.
        if runtime == "simulation":
            host, scheduler = _simulated(host, seed, step_us)
            self._simulator: SimulationScheduler | None = scheduler
            self._local: LocalScheduler | None = None
            self._scheduler: SimulationScheduler | LocalScheduler = scheduler
        elif runtime == "local":
            host = host or real_host(".")
            self._simulator = None
            self._local = LocalScheduler()
            self._scheduler = self._local
        else:
            raise ValueError(f"runtime is {runtime!r}; use 'local' or 'simulation'")
        self.runtime = runtime
        self.host = host
        made = host
        self._kernel = self._scheduler.call(lambda: Kernel(made, self._scheduler))
        if own_host:
            self._kernel.poison = PoisonBook(made.disk)
        self._stopped = False
        self._nodes: Nodes | None = None
        if joint is not None:
            self._nodes = self._start_nodes(nodes, seed or 0, joint)

    def _start_nodes(self, count: int, seed: int, joint: Convention) -> Nodes:
        try:
            if self._simulator is not None:
                from actorstream.actors.nodes.simulated import simulated_nodes

                return simulated_nodes(self._kernel, self._simulator, seed, count, joint)
            from actorstream.actors.nodes.processes import process_nodes

            assert self._local is not None
            return process_nodes(self._kernel, self._local, count, joint)
        except BaseException:
            self._scheduler.close()
            raise

    def __enter__(self) -> ActorSystem:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and self._simulator is not None:
            self.abandon()  # To go on could raise the same again, and hide it.
        else:
            self.stop()

    # --- actors ------------------------------------------------------------------------------------------------------

    def spawn(self, actor: type[Actor], *arguments: Any, **options: Any) -> Ref:
        """Start an actor below the root; it runs when this returns. Arguments as `Context.spawn`.

        Raises:
            ActorTerminated: the system has stopped, or failed.
            ValueError: as `Context.spawn`.
        """
        return self._scheduler.call(partial(self._kernel.spawn, actor, *arguments, **options))

    def find(self, path: str) -> Ref:
        """The ref of the actor at this path, such as "desk/greeter".

        Raises:
            LookupError: there is none now.
        """
        with contextlib.suppress(LookupError):
            return self._scheduler.call(lambda: self._kernel.find(path))
        if self._nodes is not None and self._nodes.locate(path) is not None:
            return Ref(path)
        raise LookupError(f"there is no actor at {path!r}")

    def actors(self) -> list[Ref]:
        """All actors of this node, in the order of their birth."""
        return self._scheduler.call(lambda: [cell.ref for path, cell in self._kernel.cells.items() if path])

    def tell(self, ref: Ref, message: Message) -> None:
        """Send from outside, expecting nothing.

        Raises:
            MailboxFull: too much waits already. (From another thread than the system's, an overflow of the actor's
                own mailbox is seen only later: then it is logged, and the message is a dead letter.)
            ActorTerminated: the system has stopped.
        """
        if self._scheduler.is_own_thread:
            self._kernel.send(ref, message, NOBODY)
        else:
            self._scheduler.post(partial(self._kernel.tell, ref, message))

    def ask(self, ref: Ref, message: Message, timeout: Duration = "5s") -> Message:
        """Send, and wait for the answer. Never hangs.

        Raises:
            AskTimeout: no answer in time; it may still be done.
            ActorTerminated: the actor is gone, or failed before it answered.
        """
        timeout_us = as_us(timeout, what="timeout")
        answer = self.ask_future(ref, message, timeout)
        try:
            return self._scheduler.wait(answer, timeout_us)
        except AskTimeout:
            raise
        except TimeoutError:
            raise AskTimeout(f"{ref.path} did not answer within {timeout_us / 1e6:g} s") from None

    def ask_future(self, ref: Ref, message: Message, timeout: Duration = "5s") -> Future[Message]:
        """Send, and get a future of the answer, which ends as `ask` does."""
        timeout_us = as_us(timeout, what="timeout")
        answer: Future[Message] = Future()
        self._scheduler.post(partial(self._kernel.ask, ref, message, timeout_us, answer))
        return answer

    def stop(self) -> None:
        """Stop all actors, the youngest first, and then the runtime; nothing if it is stopped."""
        if self._stopped:
            return
        self._stopped = True
        ended: Future[None] = Future()
        self._scheduler.call(lambda: self._kernel.close(ended))
        try:
            self._scheduler.wait(ended, int(STOP_SECONDS * 1e6))
        finally:
            if self._nodes is not None:
                self._nodes.close()
            self._scheduler.close()

    # --- looking -----------------------------------------------------------------------------------------------------

    @property
    def failed(self) -> Crash | None:
        """Why the system failed: a failure that no supervisor could handle. None if it did not."""
        return self._kernel.failed

    @property
    def failures(self) -> deque[Failure]:
        """The newest failures of actors, without those injected by `crash`."""
        return self._kernel.failures

    @property
    def dead_letters(self) -> int:
        """How many messages reached nobody."""
        return self._kernel.dead_letters.count

    @property
    def newest_dead_letters(self) -> list[DeadLetter]:
        """The newest messages that reached nobody: where they went, their type, who sent them, and why."""
        return list(self._kernel.dead_letters.newest)

    @property
    def unhandled(self) -> int:
        """How many messages reached an actor that has no handler for them."""
        return self._kernel.unhandled

    @property
    def skipped(self) -> int:
        """How many messages were skipped, because they crashed their actor again and again."""
        return self._kernel.poison.skipped

    def tree(self, format: Literal["text", "json"] = "text") -> str:  # noqa: A002  # The name that says it.
        """The actors with state, restarts and messages waiting, for people or programs."""
        elsewhere = self._nodes.describe() if self._nodes is not None else {}
        node = DRIVER if self._nodes is not None else ""
        if self._scheduler.hung is not None:  # The thread to ask would not answer, and changes nothing meanwhile.
            return show_tree(self._kernel.root, format, elsewhere, node)
        return self._scheduler.call(lambda: show_tree(self._kernel.root, format, elsewhere, node))

    def picture(self) -> dict[str, Any]:
        """The tree, and what went wrong, as plain data: "actors" as `tree` gives them, and counts."""
        return {
            "actors": msgspec.json.decode(self.tree("json")),
            "nodes": self.nodes,
            "dead_letters": self.dead_letters,
            "unhandled": self.unhandled,
            "skipped": self.skipped,
            "failures": len(self.failures),
        }

    @property
    def nodes(self) -> list[str]:
        """The names of the nodes that live, this one first: "node-0", and those that were started."""
        return self._nodes.names() if self._nodes is not None else [DRIVER]

    @property
    def world(self) -> World:
        """The simulated nodes, and what may befall them.

        Raises:
            RuntimeError: there are none.
        """
        world = self._nodes.world if self._nodes is not None else None
        if world is None:
            raise RuntimeError("only a simulation with nodes has a world: ActorSystem(runtime='simulation', nodes=2)")
        return world

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The local runtime's event loop; what runs there may use this object without waiting.

        Raises:
            RuntimeError: a simulation has none.
        """
        if self._local is None:
            raise RuntimeError("a simulation has no event loop")
        return self._local.loop

    # --- driving a simulation ----------------------------------------------------------------------------------------

    @property
    def simulator(self) -> SimulationScheduler:
        """The simulation's scheduler.

        Raises:
            RuntimeError: the runtime is not a simulation.
        """
        if self._simulator is None:
            raise RuntimeError("only a simulation can be driven; use ActorSystem(runtime='simulation')")
        return self._simulator

    def step(self) -> bool:
        """Let one actor handle one message; False if nothing is left to do, not even at a later time."""
        return self.simulator.step()

    def run(self, until: Callable[[], bool] | None = None, steps_max: int = 10_000_000) -> int:
        """Step until `until()` holds, nothing is left to do, or `steps_max` steps are done; returns their number."""
        return self.simulator.run(until, steps_max)

    def run_for(self, duration: Duration) -> int:
        """Step until so much virtual time has passed, or nothing is left to do; returns the number of steps."""
        end_us = self.host.clock.now_us() + as_us(duration, what="duration")
        return self.run(until=lambda: self.host.clock.now_us() >= end_us)

    def crash(self, ref: Ref, error: Exception | None = None) -> bool:
        """Let an actor fail as if a handler had raised `error`; False if it is not running."""
        assert self.simulator
        error = error or InjectedCrash(f"{ref.path} was crashed on purpose")
        world = self._nodes.world if self._nodes is not None else None
        return self._kernel.crash(ref, error) or (world is not None and world.crash_actor(ref, error))

    def hang(self, ref: Ref) -> bool:
        """Let the next handler of an actor never return, in virtual time; False if it is not running.

        In this process its incarnation ends as `Hung` after its `hang_after`, without its hook, as if its process had
        been killed and nobody else had been there: its children are stopped in order, and the others go on meanwhile.
        If it is told to stop before, it is killed after its `shutdown` time. On another node the whole node stands
        still, and is killed after `hang_after`, or when it has been silent for too long: all others there are `Lost`.
        """
        assert self.simulator
        world = self._nodes.world if self._nodes is not None else None
        return self._kernel.hang(ref) or (world is not None and world.hang(ref))

    def abandon(self) -> None:
        """The process is gone: nothing runs any more, no hook is called, open questions get `ActorTerminated`."""
        self.simulator.abandon()
        self._stopped = True
        self._kernel.abandon()

    @property
    def trace(self) -> Trace:
        """What happened in the simulation."""
        return self.simulator.trace

    @property
    def on_step(self) -> list[Callable[[], None]]:
        """Called after each step of the simulation; append to it. What they raise ends the run."""
        return self.simulator.on_step


def _simulated(host: Host | None, seed: int | None, step_us: tuple[int, int]) -> tuple[Host, SimulationScheduler]:
    if host is None:
        host = Host(VirtualClock(), Entropy(seed or 0), MemoryDisk())
    if not isinstance(host.clock, VirtualClock):
        raise TypeError("a simulation needs a host with a VirtualClock")
    return host, SimulationScheduler(host.clock, seed, step_us)
