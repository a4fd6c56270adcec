"""The links of a node to all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from actorstream.actors.message import Message
from actorstream.actors.ref import Ref
from actorstream.actors.restarts import Pauses
from actorstream.actors.scheduler import Timer
from actorstream.actors.specification import Backoff
from actorstream.actors.wire.codec import Codec
from actorstream.actors.wire.handshake import Hello
from actorstream.actors.wire.link import CalledEnd, Link
from actorstream.actors.wire.parcel import Parcel
from actorstream.errors import Unsendable
from actorstream.host import Host, Network
from actorstream.host.logs import logger
from actorstream.host.network import FRAME_BYTES_MAX, Listener

CALL_BACKOFF = Backoff(5_000, 1_000_000)
"""The pause before a connection is tried again."""

FENCED_MAX = 4_096
"""Dead nodes that are remembered, so that they are told so if they call; others are only refused."""

_PREFIX_BYTES = 64


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
        on_silence: called with the number of a node from which nothing came for so many microseconds, again and again.
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
        self.network = network
        self.after = after
        self.on_parcel = on_parcel
        self.on_fenced = on_fenced
        self.codec = Codec()
        self.entropy = host.entropy.stream("links")
        self.now_us = host.clock.monotonic_us
        self._on_silence = on_silence
        self._heartbeat_us = heartbeat_us
        self._links: dict[int, Link] = {}
        self._fenced: dict[int, None] = {}
        self._listener: Listener | None = None
        self._is_closed = False
        self._beat()

    def listen(self, address: str) -> str:
        """Take connections; returns the address, with the port that was chosen.

        Raises:
            ValueError: an address that others reach, and no secret.
            OSError: the address cannot be had.
        """
        if not self.secret and not address.startswith("unix:"):
            raise ValueError(f"nodes at {address} need a secret: others could reach them")
        self._listener = self.network.listen(address, lambda: CalledEnd(self))
        return self._listener.address

    def add(self, peer: Peer) -> None:
        """A node that lives: what is sent to it goes there as soon as there is a connection."""
        assert peer.number not in self._links
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
        """Send to an actor of another node.

        Raises:
            LookupError: there is no such node.
            MailboxFull: too much waits on the way.
            Unsendable: the message cannot leave this process.
        """
        link = self._links[number]
        parts = self.codec.encode(target, sender, message)
        size = len(parts[0]) if len(parts) == 1 else sum(memoryview(part).nbytes for part in parts)
        if size > FRAME_BYTES_MAX - _PREFIX_BYTES:
            what = type(message).__name__
            raise Unsendable(f"{what} has {size} bytes, and a frame holds {FRAME_BYTES_MAX}; send it in pieces")
        link.send(parts, size)

    def close(self) -> None:
        """Nothing goes out or comes in any more."""
        self._is_closed = True
        if self._listener is not None:
            self._listener.close()
        for link in self._links.values():
            link.close("the node ends")
        self._links.clear()

    def observe(self) -> dict[int, dict[str, Any]]:
        """Facts about each link, for people."""
        return {number: _facts(link, self.now_us()) for number, link in self._links.items()}

    # --- for links ---------------------------------------------------------------------------------------------------

    def link(self, number: int) -> Link | None:
        """The link to a node that lives."""
        return self._links.get(number)

    def is_fenced(self, number: int) -> bool:
        """Whether a node was declared dead."""
        return number in self._fenced

    def why_not(self, hello: Hello) -> str | None:
        """Why a caller is refused; None if it is welcome."""
        if hello.called != self.me.number:
            return f"this is node {self.me.number}, not {hello.called}"
        if self.is_fenced(hello.caller):
            logger().warning("connection refused", node=hello.caller, reason="it was declared dead")
            return f"node {hello.caller} was declared dead"
        if hello.caller not in self._links:
            return f"node {hello.caller} is unknown here"
        return None

    def pauses(self) -> Pauses:
        """Of one link, before it calls again."""
        return Pauses(CALL_BACKOFF)

    def nonce(self, size: int) -> bytes:
        """Chance that is used once."""
        return b"".join(self.entropy.bits().to_bytes(8, "big") for _ in range(size // 8))

    def _beat(self) -> None:
        if self._is_closed:
            return
        now_us = self.now_us()
        for number, link in list(self._links.items()):
            link.beat()
            if now_us - link.heard_us > self._heartbeat_us * 3 // 2:
                self._on_silence(number, now_us - link.heard_us)
        self.after(self._heartbeat_us, self._beat)


def _facts(link: Link, now_us: int) -> dict[str, Any]:
    session = link.session
    return {
        "node": link.peer.name,
        "connected": link.is_connected,
        "silence_us": now_us - link.heard_us,
        "unacked_frames": session.unacked_frames,
        "unacked_bytes": session.unacked_bytes,
        "resent": session.resent,
        "connections": link.connections,
    }
