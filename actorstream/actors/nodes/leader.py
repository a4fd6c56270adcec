"""The driver's part in the cluster: it starts nodes, is told of their end, and tells everybody else.

Leaves to others: what to decide (`membership`), how processes are made and ended (an `Engine`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from actorstream.actors.engine import Engine, HostInfo, LastWords
from actorstream.actors.kernel import Kernel
from actorstream.actors.message import Message
from actorstream.actors.nodes import membership as ms
from actorstream.actors.nodes import messages as m
from actorstream.actors.nodes.cluster import Cluster
from actorstream.actors.nodes.order import NodeOrder
from actorstream.actors.nodes.placement import Node
from actorstream.errors import ActorTerminated
from actorstream.host.logs import logger

TICK_US = 1_000_000
"""How often the driver looks who takes too long to start."""


class Leader:
    """See the module.

    Args:
        kernel: the driver's.
        cluster: its way to other nodes.
        membership: what it decides.
        order: makes what a node is told when it starts.
        on_failed: called when the cluster cannot go on.
    """

    def __init__(
        self,
        kernel: Kernel,
        cluster: Cluster,
        membership: ms.Membership,
        order: Callable[[int, str, HostInfo | None], NodeOrder],
        on_failed: Callable[[Exception], None],
    ) -> None:
        self._kernel = kernel
        self._cluster = cluster
        self._membership = membership
        self._order = order
        self._on_failed = on_failed
        self._waiters: list[Callable[[], None]] = []
        self._closed = False
        self._remote: dict[str, HostInfo] = {}  # Slots on other hosts.
        self._trees: dict[int, _Trees] = {}
        self._question = 0
        self.engine: Engine | None = None
        cluster.handlers[m.NodeReady] = self._on_ready
        cluster.handlers[m.NodeUnreachable] = self._on_unreachable
        cluster.handlers[m.GuestsDescribed] = self._on_described

    def start(self, names: Sequence[str], engine: Engine) -> None:
        """Start a node for each name."""
        self.engine = engine
        for name in names:
            self._do(self._membership.add(name, self._now_us))
        self._kernel.scheduler.after(TICK_US, self._on_tick)

    def when_complete(self, call: Callable[[], None]) -> None:
        """Call once all nodes are up."""
        if self._membership.is_complete:
            call()
        else:
            self._waiters.append(call)

    def close(self) -> None:
        """Everything has been stopped: the nodes may end, and are not replaced."""
        self._closed = True
        self._membership.close()
        for number in list(self._cluster.nodes):
            if number != self._cluster.number:
                self._cluster.tell(number, m.StopNode())

    # --- what the engine says ----------------------------------------------------------------------------------------

    def on_started(self, number: int, pid: int, host: str) -> None:
        """A process is there; it counts once it has reported over its link."""

    def on_exited(self, number: int, last_words: LastWords | None) -> None:
        """It is certain that this process acts no more."""
        if self._closed:
            return
        if last_words is not None and last_words.hung is None:
            logger().warning("node ended", node=number, reason=last_words.why)
        self._do(self._membership.on_exited(number, hung_actor(last_words), self._now_us))

    def on_broken(self, why: str) -> None:
        """The engine has died, and all processes with it: they are started anew, through a new one."""
        if self._closed:
            return
        logger().error("engine died", reason=why)
        for name in self._remote:  # Other hosts join the new engine when they have found it.
            self._membership.drop(name)  # Nothing is left to kill.
        self._remote.clear()
        for number in self._membership.numbers():
            self._do(self._membership.on_exited(number, None, self._now_us))

    def on_hosts(self, hosts: Sequence[HostInfo]) -> None:
        """Other hosts joined or left: each that is there gets as many nodes as it offers."""
        if self._closed:
            return
        offered = {f"{host.name}-{index + 1}": host for host in hosts for index in range(host.nodes)}
        for name, known in list(self._remote.items()):
            if name not in offered or offered[name].member != known.member:  # Gone, or begun anew.
                del self._remote[name]
                self._do(self._membership.drop(name))
        for name, host in offered.items():
            if name not in self._remote:
                self._remote[name] = host
                self._do(self._membership.add(name, self._now_us, {"host": host.name, "member": host.member}))

    # --- what links say ----------------------------------------------------------------------------------------------

    def on_silence(self, number: int, silent_us: int) -> None:
        """Nothing was heard of a node for so long."""
        if not self._closed:
            self._do(self._membership.on_silent(number, silent_us))

    def _on_unreachable(self, by: int, other: m.NodeUnreachable) -> None:
        silent_us = {number: self._cluster.links.silence_us(number) for number in (by, other.number)}
        self._do(self._membership.on_unreachable(by, other.number, silent_us))

    def _on_ready(self, number: int, ready: m.NodeReady) -> None:
        node = Node(number, ready.name, ready.address, ready.capabilities, public=ready.public)
        self._do(self._membership.on_ready(node))

    # --- what is decided ---------------------------------------------------------------------------------------------

    @property
    def _now_us(self) -> int:
        return self._kernel.host.clock.monotonic_us()

    def _on_tick(self) -> None:
        if not self._closed:
            self._do(self._membership.on_tick(self._now_us))
            self._kernel.scheduler.after(TICK_US, self._on_tick)

    def _do(self, effects: list[ms.Effect]) -> None:
        assert self.engine is not None
        for effect in effects:
            match effect:
                case ms.Launch(number, name, requirements):
                    self._cluster.expect(number, name)
                    self.engine.start_node(self._order(number, name, self._remote.get(name)), requirements)
                case ms.Kill(number, why):
                    logger().error("node given up", node=number, reason=why)
                    self.engine.kill_node(number)
                case ms.Announce(node):
                    self._announce(node)
                case ms.Bury(number, name, hung):
                    self._bury(number, name, hung)
                case ms.Pause(name, pause_us):
                    self._kernel.scheduler.after(pause_us, partial(self._on_pause_over, name))
                case ms.GiveUp(name):
                    self._give_up(name)

    def _give_up(self, name: str) -> None:
        why = f"{name} ended more often than it may be started again"
        if name in self._remote:
            logger().error("node not started again", node=name, reason=f"{why}; its host may join anew")
        else:
            self._on_failed(ActorTerminated(why))

    def _on_pause_over(self, name: str) -> None:
        if not self._closed:
            self._do(self._membership.on_pause_over(name, self._now_us))

    def _announce(self, node: Node) -> None:
        for other in list(self._cluster.nodes.values()):
            if other.number != self._cluster.number:
                self._cluster.tell(other.number, _up(node, other))
        self._cluster.add_node(node)
        for other in list(self._cluster.nodes.values()):
            if other.number not in (node.number, self._cluster.number):
                self._cluster.tell(node.number, _up(other, node))
        if self._membership.is_complete:
            waiters, self._waiters = self._waiters, []
            for call in waiters:
                call()

    def _bury(self, number: int, name: str, hung: m.HungActor | None) -> None:
        if hung is not None:
            facts = {"actor": hung.path, "message": hung.handler, "seconds": hung.seconds, "stack": hung.stack}
            logger().error("handler hung", node=name, **facts)
        for other in list(self._cluster.nodes):
            if other not in (number, self._cluster.number):
                self._cluster.tell(other, m.NodeLost(number, name, hung))
        self._cluster.on_node_lost(number, name, hung)

    # --- a picture of everything -------------------------------------------------------------------------------------

    def describe(self, done: Callable[[Mapping[str, bytes]], None]) -> None:
        """Collect what lives on other nodes; whoever does not answer in time is left out."""
        others = [number for number in self._cluster.nodes if number != self._cluster.number]
        if not others:
            done({})
            return
        self._question += 1
        self._trees[self._question] = _Trees(len(others), {}, done)
        for number in others:
            self._cluster.tell(number, m.DescribeGuests(self._question))
        question = self._question
        self._kernel.scheduler.after(DESCRIBE_US, lambda: self._end_question(question))

    def _on_described(self, _: int, described: m.GuestsDescribed) -> None:
        trees = self._trees.get(described.question)
        if trees is None:
            return
        trees.found |= described.trees
        trees.missing -= 1
        if not trees.missing:
            self._end_question(described.question)

    def _end_question(self, question: int) -> None:
        trees = self._trees.pop(question, None)
        if trees is not None:
            trees.done(trees.found)


DESCRIBE_US = 1_000_000
"""How long nodes may take to describe what lives there."""


class _Trees:
    def __init__(self, missing: int, found: dict[str, bytes], done: Callable[[Mapping[str, bytes]], None]) -> None:
        self.missing, self.found, self.done = missing, found, done


def hung_actor(words: LastWords | None) -> m.HungActor | None:
    """The actor for which a node ended itself, if that is why."""
    if words is None or words.hung is None:
        return None
    return m.HungActor(words.hung.path, words.hung.handler, words.hung.seconds, words.hung.stack)


def _up(node: Node, told: Node) -> Message:
    return m.NodeUp(node.number, node.name, node.address_for(told), dict(node.capabilities))
