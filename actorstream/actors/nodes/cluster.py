"""One node's part in the cluster: what goes to other nodes, and what comes from them.

Theory of operation. Every node has a link to every other one, over which messages arrive once and in order. A message
to a path that nobody has here goes to the node where that path lives (`seeker`). A child on another node is an
`Outpost` here and a `Guest` there. Ends of actors are told from node to node, once for each node that wants to
know, over the link on which the actor's own messages went, and so behind them.

That a node is dead is said by the driver alone, after it has made sure (`leader`). Then everything that waited for that
node is told, here, on every node.

Guarantees: what one actor sends to one incarnation of another arrives in order; nobody is told twice of one end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from actorstream.actors.cell import Cell
from actorstream.actors.message import Crash, ExitReason, Hung, Lost, Message
from actorstream.actors.nodes import messages as m
from actorstream.actors.nodes.errands import Errand, Mail, Question
from actorstream.actors.nodes.guests import Guests
from actorstream.actors.nodes.outpost import Outpost
from actorstream.actors.nodes.placement import Node, choose, factory
from actorstream.actors.nodes.seeker import Seeker
from actorstream.actors.nodes.watches import Watches
from actorstream.actors.ref import NOBODY, Ref
from actorstream.actors.specification import ChildSpec
from actorstream.actors.wire import Links, Parcel, Peer
from actorstream.errors import MailboxFull, Unsendable
from actorstream.host.logs import logger

if TYPE_CHECKING:
    from actorstream.actors.kernel import Kernel

EARLY_MAX = 4_096
"""Messages for nodes of which the driver has not told us yet."""

Handler = Callable[[int, Any], None]

NODE = Ref("")
"""The address of a node itself."""


class Cluster:
    """See the module.

    Attributes:
        nodes: the nodes that live, by number, this one included.
        outposts: children of actors of this node that live elsewhere, by path.
    """

    def __init__(self, kernel: Kernel, me: Node) -> None:
        self.kernel = kernel
        self.me = me
        self.number = me.number
        self.nodes: dict[int, Node] = {me.number: me}
        self.outposts: dict[str, Outpost] = {}
        self.guests = Guests(self)
        self.watches = Watches(self)
        self.seeker = Seeker(self)
        self._find = self.seeker.locations.find
        self.handlers: dict[type[Message], Handler] = {}
        self._highest = me.number
        self._linked: dict[int, None] = {}  # Nodes that have a link, those included that are only expected.
        self._early: dict[int, list[Mail]] = {}
        self._early_count = 0
        self._lives = 0
        self._waiting: dict[str, Outpost] = {}  # For a node that suits them.
        self._loopback: deque[Message] = deque()
        self._links: Links | None = None
        self._add_handlers()
        kernel.cluster = self

    def _add_handlers(self) -> None:
        own: dict[type[Message], Handler] = {
            m.NodeUp: self._on_node_up,
            m.NodeLost: lambda _, lost: self.on_node_lost(lost.number, lost.name, lost.hung),
            m.GuestStarted: self._on_guest_started,
            m.GuestEnded: self._on_guest_ended,
            m.StopChild: self._on_stop_child,
            m.StopActor: lambda _, stop: self.kernel.stop(Ref(stop.path)),
            m.NoActor: self._on_no_actor,
            m.PathLeft: lambda _, left: self._on_left(left),
        }
        self.handlers |= own
        self.handlers.update(self.seeker.handlers())
        self.handlers.update(self.guests.handlers())
        self.handlers.update(self.watches.handlers())

    def join(self, links: Links) -> None:
        """Use these links."""
        self._links = links

    @property
    def links(self) -> Links:
        """The links to the other nodes."""
        assert self._links is not None
        return self._links

    def close(self) -> None:
        """Nothing is sent or taken any more."""
        self.links.close()

    # --- messages of actors ------------------------------------------------------------------------------------------

    def send_known(self, ref: Ref, message: Message, sender: Ref) -> bool:
        """Send to somebody of whom it is known where he lives; False if it is not. Raises as `send`."""
        number = self._find(ref.path)
        if number not in self.nodes or ref.path in self.kernel.cells:
            return False
        link = self.links.link(number)
        if link is None:
            return False
        link.send(ref, sender, message)
        return True

    def send(self, ref: Ref, message: Message, sender: Ref) -> bool:
        """Send to somebody who does not live here; False if it reaches nobody.

        Raises:
            MailboxFull: too much waits on the way.
            Unsendable: it cannot leave this process.
        """
        path = ref.path
        if path[:1] == "?":  # A question from outside, which only the driver's program asks.
            return self.number != 0 and self._transmit(0, ref, message, sender)
        if path in self.kernel.cells:
            return False
        number = self.seeker.locations.find(path)
        if number is None and ref.incarnation and not self.seeker.locations.is_sought(path):
            number = node_of(ref.incarnation)
        if number is None:
            return self.seeker.seek(path, Mail(ref, message, sender))
        return self._transmit(number, ref, message, sender)

    def tell(self, number: int, message: Message) -> None:
        """Send to a node itself; nothing if it is dead."""
        if number == self.number:
            self._loopback.append(message)
            if len(self._loopback) == 1:
                self.kernel.scheduler.after(0, self._drain_loopback)
            return
        try:
            self._transmit(number, NODE, message, NOBODY)
        except Unsendable:
            bare = without_last_message(message)
            if bare is message:
                raise
            self.tell(number, bare)
        except MailboxFull as error:
            logger().error("node does not keep up", node=number, message=type(message).__name__, reason=str(error))

    def tell_at(self, path: str, message: Message) -> bool:
        """Send to the node where `path` lives; False if that is nowhere."""
        number = self.seeker.locations.find(path)
        if number is None:
            return self.seeker.seek(path, Errand(message))
        self.tell(number, message)
        return True

    def link(self, path: str, other: str) -> bool:
        """Let an actor of ours and one that lives elsewhere fail together; False if there is no such actor."""
        return self.watches.watch(other) and self.tell_at(other, m.LinkActors(other, path))

    def unlink(self, path: str, other: str) -> None:
        """They no longer do."""
        self.tell_at(other, m.UnlinkActors(other, path))

    def locate(self, path: str, done: Callable[[int | None], None]) -> None:
        """Find out on which node `path` lives."""
        if path in self.kernel.cells:
            done(self.number)
        elif not self.seeker.seek(path, Question(done)):
            done(None)

    def on_parcel(self, number: int, parcel: Parcel) -> None:
        """Something came from node `number`."""
        target, sender, messages, _ = parcel
        path = target.path
        if not path:
            for message in messages:
                self._handle(number, message)
        elif path[0] == "?":
            for message in messages:
                self.kernel.answer(path, message)
        else:
            self._learn(number, target, sender)
            if not self.kernel.send_all_here(target, messages, sender):
                for message in messages:
                    self._deliver(number, target, sender, message)

    def _handle(self, number: int, message: Message) -> None:
        handle = self.handlers.get(type(message))
        if handle is None:
            logger().error("message unhandled", node=number, message=type(message).__name__)
        else:
            handle(number, message)

    def _learn(self, number: int, target: Ref, sender: Ref) -> None:
        if sender.path[:1] == "?":
            self.watches.on_question(target.path, sender)
        elif self.seeker.locations.find(sender.path) != number:
            self.seeker.locations.learn(sender.path, number)

    def _deliver(self, number: int, target: Ref, sender: Ref, message: Message) -> None:
        try:
            if self.kernel.send_here(target, message, sender):
                return
        except MailboxFull:
            self.kernel.on_overflow(target, message, sender)
            if sender.path[:1] == "?":
                self.tell(number, m.NoActor("", sender.path, full=True))
            return
        self.kernel.on_dead_letter(target, message, sender)
        self.tell(number, m.NoActor("" if target.path in self.kernel.cells else target.path, sender.path))

    def _drain_loopback(self) -> None:
        waiting, self._loopback = self._loopback, deque()
        for message in waiting:
            self._handle(self.number, message)

    def _transmit(self, number: int, target: Ref, message: Message, sender: Ref) -> bool:
        if number in self.nodes and number != self.number:
            self.links.send(number, target, sender, message)
            return True
        if number > self._highest:
            return self._keep(number, Mail(target, message, sender))
        self.seeker.locations.forget(target.path)
        return False

    def send_to(self, number: int, mail: Mail) -> bool:
        """Send to an actor of this node or of another; False if it is not there.

        Raises:
            MailboxFull: too much waits.
            Unsendable: it cannot leave this process.
        """
        target, message, sender = mail.target, mail.message, mail.sender
        if number != self.number:
            return self._transmit(number, target, message, sender)
        return self.kernel.send_here(target, message, sender)

    def is_dead(self, number: int) -> bool:
        """Whether there was such a node, and is no more."""
        return 0 <= number <= self._highest and number not in self.nodes

    def _keep(self, number: int, mail: Mail) -> bool:
        """Hold what goes to a node of which the driver is about to tell us."""
        if self._early_count >= EARLY_MAX:
            raise MailboxFull(f"{EARLY_MAX} messages wait for nodes that have not been announced")
        self._early_count += 1
        self._early.setdefault(number, []).append(mail)
        return True

    def _on_no_actor(self, number: int, no: m.NoActor) -> None:
        if no.path and self.seeker.locations.find(no.path) == number:
            self.seeker.locations.forget(no.path)
        self.kernel.on_no_actor(no.path, no.sender, full=no.full)

    # --- children that live elsewhere --------------------------------------------------------------------------------

    def wants(self, spec: ChildSpec) -> bool:
        """Whether a child of this node should be an outpost."""
        return spec.node is not None and not (isinstance(spec.node, str) and spec.node == self.me.name)

    def next_life(self) -> int:
        """A number that no other life of any outpost of this node has."""
        self._lives += 1
        return self._lives

    def outpost(self, parent: Cell, spec: ChildSpec, path: str) -> Outpost:
        """A new child of `parent` that lives elsewhere.

        Raises:
            ValueError: its class cannot be found by another process.
            Unsendable: its arguments cannot leave this process.
        """
        outpost = Outpost(self, parent, spec, path, factory(spec))
        self.outposts[path] = outpost
        return outpost

    def name_of(self, number: int | None) -> str:
        """The name of a node that lives; "" if it does not."""
        return self.nodes[number].name if number in self.nodes else ""

    def stop(self, path: str) -> None:
        """Stop an actor that does not live here, for good; nothing if there is none."""
        outpost = self.outposts.get(path)
        if outpost is not None:
            outpost.parent.request_stop(outpost.spec.name)
        else:
            self.tell_at(path, m.StopActor(path))

    def forget_outpost(self, outpost: Outpost) -> None:
        """It is gone for good, and so is what others remember of its place."""
        self.outposts.pop(outpost.path, None)
        self.withdraw(outpost)
        if outpost.node in self.nodes:
            self.nodes[outpost.node].placed -= 1
        left = m.PathLeft(outpost.path, outpost.incarnation, outpost.reason)
        self._on_left(left)
        self.seeker.release(outpost)
        for number in self.nodes:
            if number != self.number:
                self.tell(number, left)

    def _on_left(self, left: m.PathLeft) -> None:
        self.seeker.locations.forget_tree(left.path)
        self.watches.on_left(left.path)
        self.kernel.deaths.remember(left.path, left.incarnation, left.reason)

    def place(self, outpost: Outpost) -> None:
        """Find a node for it, now or when there is one, and start it there."""
        assert outpost.spec.node is not None
        node = choose(self.nodes.values(), outpost.spec.node)
        if node is None:
            self._waiting[outpost.path] = outpost
            logger().warning("actor waits for a node", actor=outpost.path, node=outpost.spec.node, nodes=self._names())
            return
        node.placed += 1
        outpost.start_on(node.number)
        self.seeker.release(outpost)

    def _names(self) -> list[str]:
        return [node.name for node in self.nodes.values()]

    def withdraw(self, outpost: Outpost) -> None:
        """It no longer wants a place."""
        self._waiting.pop(outpost.path, None)

    def _on_guest_started(self, _: int, started: m.GuestStarted) -> None:
        if outpost := self.outposts.get(started.path):
            outpost.on_started(started.life, started.incarnation)
            self.seeker.release(outpost)

    def _on_guest_ended(self, _: int, ended: m.GuestEnded) -> None:
        if outpost := self.outposts.get(ended.path):
            outpost.on_ended(ended.life, ended.incarnation, ended.reason)
            self.seeker.release(outpost)
            self._report(outpost, ended)

    def _report(self, outpost: Outpost, ended: m.GuestEnded) -> None:
        """An actor that could not begin has nobody on its node who would have said so."""
        if ended.incarnation == 0 and isinstance(ended.reason, Crash):
            logger().error("actor failed", actor=outpost.path, node=outpost.node, exc_info=ended.reason.error)

    def _on_stop_child(self, _: int, stop: m.StopChild) -> None:
        if outpost := self.outposts.get(stop.path):
            outpost.parent.request_stop(outpost.spec.name)

    # --- nodes -------------------------------------------------------------------------------------------------------

    def expect(self, number: int, name: str) -> None:
        """A node is about to reach us; it is not there before it has."""
        self._linked[number] = None
        self.links.add(Peer(number, name, ""))

    def _on_node_up(self, _: int, up: m.NodeUp) -> None:
        if up.number not in self.nodes and up.number > 0:
            self.add_node(Node(up.number, up.name, up.address, up.capabilities))

    def add_node(self, node: Node) -> None:
        """A node lives, and may be sent to."""
        self._highest = max(self._highest, node.number)
        self.nodes[node.number] = node
        if node.number not in self._linked:
            self._linked[node.number] = None
            self.links.add(Peer(node.number, node.name, node.address))
        early = self._early.pop(node.number, [])
        self._early_count -= len(early)
        for mail in early:
            self._transmit(node.number, mail.target, mail.message, mail.sender)
        waiting, self._waiting = self._waiting, {}
        for outpost in waiting.values():
            self.place(outpost)

    def on_node_lost(self, number: int, name: str, hung: m.HungActor | None) -> None:
        """A node is dead: nothing of it acts any more."""
        self._highest = max(self._highest, number)
        self.nodes.pop(number, None)
        self._linked.pop(number, None)
        self.links.remove(number)
        early = self._early.pop(number, [])
        self._early_count -= len(early)
        for mail in early:
            self.kernel.on_dead_letter(mail.target, mail.message, mail.sender)
        self.seeker.on_node_lost(number)
        reason = partial(_reason, name, hung)
        lost = [outpost for outpost in self.outposts.values() if outpost.node == number]
        for outpost in lost:
            outpost.node = None  # Before watches move: they would be sent to where it lived.
        self.watches.on_node_lost(number, reason)
        self.guests.on_node_lost(number)
        for outpost in lost:
            outpost.on_lost(reason(outpost.path))
        self.seeker.ask_all_again()


def node_of(incarnation: int) -> int:
    """The number of the node where this incarnation lives, or lived."""
    return incarnation >> 32


def without_last_message(message: Message) -> Message:
    """The news of an end without what the actor was handling, which may be for its own process only."""
    reason = getattr(message, "reason", None)
    if not isinstance(reason, Crash) or reason.message is None:
        return message
    return msgspec.structs.replace(message, reason=Crash(reason.error))


def _reason(name: str, hung: m.HungActor | None, path: str) -> ExitReason:
    if hung is not None and hung.path == path:
        return Hung(hung.handler, hung.seconds)
    return Lost(name)
