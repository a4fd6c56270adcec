"""The links of a node to all others: who may call, who is alive, and what goes where.

Guarantees: what is sent to a node that lives arrives there once and in order, however often connections break; nothing
goes to, or comes from, a node that was removed. Leaves to others: who is dead. Silence is reported, and only that of
others: when this node itself was held up, nobody is blamed for what it did not hear meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from actorstream.actors.message import Message
from actorstream.actors.ref import Ref
from actorstream.actors.restarts import Pauses
from actorstream.actors.scheduler import Timer
from actorstream.actors.wire.codec import Codec
from actorstream.actors.wire.ends import CalledEnd, CallerEnd
from actorstream.actors.wire.handshake import Hello, nonce
from actorstream.actors.wire.link import Link
from actorstream.actors.wire.parcel import Parcel
from actorstream.host import Host, Network
from actorstream.host.logs import logger
from actorstream.host.network import Listener

FENCED_MAX = 4_096
"""Dead nodes that are remembered, so that they are told so if they call; others are only refused."""

COMPLAINTS_MAX = 256
"""Lines in the log that are remembered, so that what repeats with every connection is said once."""

UNIX = "unix:"
"""What the addresses begin with that only this user's processes reach."""


class Peer(NamedTuple):
    """Another node. `address` is "" if it is the one that calls."""

    number: int
    name: str
    address: str


class Links:
    """See the module. Made, and used, on the scheduler's thread.

    Args:
        me: this node.
        cluster: its name; nodes of other ones are refused.
        secret: what the nodes of the cluster know.
        host: clock and entropy.
        network: how others are reached.
        after: calls something after so many microseconds.
        on_parcel: called with the number of a node, and a parcel from it.
        on_silence: called with the number of a node from which nothing came for so many microseconds, again and again
            while that is more than one heartbeat and a half.
        on_fenced: called with the number of a node that says that this one was declared dead.
        heartbeat_us: how often to say that this node lives.
    """

    def __init__(
        self,
        *,
        me: Peer,
        cluster: str,
        secret: bytes,
        host: Host,
        network: Network,
        after: Callable[[int, Callable[[], None]], Timer],
        on_parcel: Callable[[int, Parcel], None],
        on_silence: Callable[[int, int], None],
        on_fenced: Callable[[int], None],
        heartbeat_us: int,
    ) -> None:
        self.me = me
        self.cluster = cluster
        self.secret = secret
        self.after = after
        self.on_parcel = on_parcel
        self.on_fenced = on_fenced
        self.heartbeat_us = heartbeat_us
        self.codec = Codec()
        self._entropy = host.entropy.stream("links")
        self.now_us = host.clock.monotonic_us
        self._network = network
        self._on_silence = on_silence
        self._links: dict[int, Link] = {}
        self._fenced: dict[int, None] = {}
        self._complaints: dict[tuple[str, str], None] = {}
        self._listeners: list[Listener] = []
        self._is_closed = False
        self._beat_due_us = self.now_us() + heartbeat_us
        self._timer = after(heartbeat_us, self._beat)

    def listen(self, address: str) -> str:
        """Take connections, there, too; returns the address, with the port that was chosen.

        Raises:
            ValueError: an address that others reach, and no secret.
            OSError: the address cannot be had.
        """
        self._check_secret(address)
        self._listeners.append(self._network.listen(address, lambda: CalledEnd(self)))
        return self._listeners[-1].address

    def add(self, peer: Peer) -> None:
        """A node that lives: what is sent to it goes there as soon as there is a connection.

        Raises:
            ValueError: it cannot be called: there is no address, or one that others reach, and no secret.
        """
        assert peer.number not in self._links
        assert not self.is_fenced(peer.number)
        if self.me.number > peer.number:
            if not peer.address:
                raise ValueError(f"node {peer.number} must be called, and has no address")
            self._check_secret(peer.address)
        self._links[peer.number] = Link(self, peer)

    def remove(self, number: int) -> None:
        """A node is dead, for ever: nothing goes there, and nothing from there counts."""
        link = self._links.pop(number, None)
        self._fenced[number] = None
        if len(self._fenced) > FENCED_MAX:
            del self._fenced[next(iter(self._fenced))]
        if link is not None:
            link.close("it was declared dead")

    def send(self, number: int, target: Ref, sender: Ref, message: Message) -> None:
        """Send to an actor of another node. What raises has sent nothing.

        Raises:
            LookupError: there is no such node.
            MailboxFull: too much waits on the way.
            Unsendable: the message cannot leave this process.
        """
        self._links[number].send(target, sender, message)

    def close(self) -> None:
        """Nothing goes out or comes in any more."""
        self._is_closed = True
        self._timer.cancel()
        for listener in self._listeners:
            listener.close()
        for link in self._links.values():
            link.close("the node ends")
        self._links.clear()

    def observe(self) -> dict[int, dict[str, Any]]:
        """Facts about each link, for people."""
        return {number: _facts(link, self.now_us()) for number, link in self._links.items()}

    # --- for links ---------------------------------------------------------------------------------------------------

    def call(self, link: Link) -> None:
        """Make a connection for this link."""
        self._network.connect(link.peer.address, CallerEnd(self, link))

    def link(self, number: int) -> Link | None:
        """The link to a node that lives."""
        return self._links.get(number)

    def is_fenced(self, number: int) -> bool:
        """Whether a node was declared dead."""
        return number in self._fenced

    def is_early(self, number: int) -> bool:
        """Whether a node is not known here, as one that has just started and has not been announced."""
        return number not in self._links and not self.is_fenced(number)

    def why_not(self, hello: Hello) -> str:
        """Why a caller is refused; nothing if it is welcome."""
        if hello.called != self.me.number:
            return f"this is node {self.me.number}, not {hello.called}"
        if self.is_fenced(hello.caller):
            return f"node {hello.caller} was declared dead"
        if hello.caller not in self._links:
            return f"node {hello.caller} is unknown here"
        if hello.caller < self.me.number:
            return f"node {hello.caller} is to be called by node {self.me.number}"
        return ""

    def pause_us(self, pauses: Pauses) -> int:
        """How long to wait before a link calls again."""
        return pauses.next_us(self.now_us(), self._entropy)

    def nonce(self) -> bytes:
        """Chance that is used once, and that nobody foresees who does not know the secret."""
        return nonce(self.secret, self._entropy.bits())

    def complain(
        self, event: str, *, peer: str = "", node: int | None = None, reason: str, is_usual: bool = False
    ) -> None:
        """A line in the log, once: nodes call again and again. `is_usual`: it is no reason to worry by itself."""
        if (event, reason) in self._complaints:
            return
        self._complaints[event, reason] = None
        if len(self._complaints) > COMPLAINTS_MAX:
            del self._complaints[next(iter(self._complaints))]
        where = {"peer": peer} if peer else {}
        report = logger().info if is_usual else logger().warning
        report(event, **where, **({"node": node} if node is not None else {}), reason=reason)

    def _check_secret(self, address: str) -> None:
        if not self.secret and not address.startswith(UNIX):
            raise ValueError(f"nodes at {address} need a secret: others could reach them")

    def silence_us(self, number: int) -> int:
        """How long nothing was heard of a node; 0 if there is no link to it."""
        link = self._links.get(number)
        return 0 if link is None else self.now_us() - link.heard_us

    def _beat(self) -> None:
        now_us = self.now_us()
        late_us = now_us - self._beat_due_us
        self._beat_due_us = now_us + self.heartbeat_us
        self._timer = self.after(self.heartbeat_us, self._beat)
        for link in list(self._links.values()):
            if not link.is_closed:
                link.heard_us = min(now_us, link.heard_us + late_us)  # What waits to be read has not been heard yet.
                self._beat_one(link, now_us)

    def _beat_one(self, link: Link, now_us: int) -> None:
        link.beat(now_us)
        silent_us = now_us - link.heard_us
        if silent_us > self.heartbeat_us * 3 // 2:
            self._on_silence(link.peer.number, silent_us)


def _facts(link: Link, now_us: int) -> dict[str, Any]:
    session = link.session
    return {
        "node": link.peer.name,
        "connected": link.is_connected,
        "silence_us": now_us - link.heard_us,
        "unacked_frames": session.unacked_frames,
        "unacked_bytes": session.unacked_bytes,
        "resent": session.resent,
        "rtt_us": link.rtt_us,
        "connections": link.connections,
        "unreadable": link.unreadable,
    }
