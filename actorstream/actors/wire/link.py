"""A link: all that goes to one other node and comes from it, over one connection after another.

The node with the higher number calls; if the connection ends it calls again, after a pause that doubles. What was not
acknowledged goes once more (`session`), so that nobody above notices.

A frame between nodes is its kind (1 byte), a number and an acknowledgement (8 bytes each, big-endian), and, if it is
data, a parcel. A heartbeat's number is that of the last frame sent; a retry asks to go back to its acknowledgement.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from actorstream.actors.wire.bad_frame import BadFrame
from actorstream.actors.wire.handshake import HANDSHAKE_BYTES_MAX, NONCE_BYTES, Called, Caller, Hello, Refusal, refusal
from actorstream.actors.wire.session import Session
from actorstream.host.logs import logger
from actorstream.host.network import FRAME_BYTES_MAX, Connection, Part

if TYPE_CHECKING:
    from actorstream.actors.wire.links import Links, Peer

DATA, HEARTBEAT, RETRY = 1, 2, 3

HANDSHAKE_US = 5_000_000
"""How long the first words on a connection may take."""

_PREFIX = struct.Struct(">BQQ")


class Link:
    """See the module.

    Attributes:
        peer: the other node.
        session: what was said.
        heard_us: when something came last (monotonic time).
        connections: how many there were.
    """

    def __init__(self, links: Links, peer: Peer) -> None:
        self._links = links
        self.peer = peer
        self.session = Session()
        self.heard_us = links.now_us()
        self.connections = 0
        self._connection: Connection | None = None
        self._asked_at = -1  # Frames received when we asked last to go back; once is enough.
        self._pauses = links.pauses()
        self._is_closed = False
        if self.calls:
            self._call()

    @property
    def calls(self) -> bool:
        """Whether it is this node that makes the connections."""
        return self._links.me.number > self.peer.number

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, and the other end has shown who it is."""
        return self._connection is not None

    def send(self, parts: Sequence[Part], size: int) -> None:
        """Send a parcel.

        Raises:
            MailboxFull: too much waits for its acknowledgement.
        """
        self.session.push(parts, size)
        if self._connection is not None:
            self._pump(self._connection)

    def close(self, why: str) -> None:
        """Nothing goes out or comes in any more."""
        self._is_closed = True
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(why)

    def beat(self) -> None:
        """Say that this node lives, and how far things are."""
        if self._connection is not None:
            self._say(self._connection, HEARTBEAT, self.session.sent)

    # --- connections -------------------------------------------------------------------------------------------------

    def _call(self) -> None:
        if not self._is_closed:
            self._links.network.connect(self.peer.address, CallerEnd(self._links, self))

    def call_again(self) -> None:
        """The connection has ended, or could not be made."""
        if self.calls and not self._is_closed:
            pause_us = self._pauses.next_us(self._links.now_us(), self._links.entropy)
            self._links.after(pause_us, self._call)

    def on_ready(self, connection: Connection, received: int) -> None:
        """A connection is there, and whoever is at its other end has received so much.

        Raises:
            BadFrame: more than was ever sent.
        """
        before, self._connection = self._connection, connection
        if before is not None:
            before.close("there is a newer connection")
        self.connections += 1
        self._asked_at = -1
        self.heard_us = self._links.now_us()
        try:
            self.session.go_back(received)
        except ValueError as error:
            raise BadFrame(str(error)) from None
        self._pump(connection)
        self.beat()

    def on_end(self, connection: Connection) -> None:
        """A connection has ended."""
        if self._connection is connection:
            self._connection = None
            self.call_again()

    # --- frames ------------------------------------------------------------------------------------------------------

    def on_frame(self, connection: Connection, frame: memoryview) -> None:
        """Something came.

        Raises:
            BadFrame: it is not what it should be.
        """
        if connection is not self._connection:
            return  # Of a connection that a newer one has replaced.
        if len(frame) < _PREFIX.size:
            raise BadFrame(f"a frame of {len(frame)} bytes")
        kind, number, ack = _PREFIX.unpack_from(frame)
        self.heard_us = self._links.now_us()
        session = self.session
        try:
            session.go_back(ack) if kind == RETRY else session.on_ack(ack)
        except ValueError as error:
            raise BadFrame(str(error)) from None
        if kind == DATA:
            self._on_data(connection, number, frame)
        elif kind == HEARTBEAT:
            self._ask_if_behind(connection, number, again=True)
        elif kind == RETRY:
            self._pump(connection)
        else:
            raise BadFrame(f"a frame of kind {kind}")

    def _on_data(self, connection: Connection, number: int, frame: memoryview) -> None:
        session = self.session
        if session.accept(number, len(frame)):
            if session.owes_ack:
                self._say(connection, HEARTBEAT, session.sent)
            self._links.on_parcel(self.peer.number, self._links.codec.decode(frame[_PREFIX.size :]))
        else:
            self._ask_if_behind(connection, number)

    def _ask_if_behind(self, connection: Connection, number: int, *, again: bool = False) -> None:
        """Frames up to `number` are known to have been sent; if some are missing, ask for them."""
        if self.session.is_behind(number) and (again or self._asked_at != self.session.received):
            self._asked_at = self.session.received
            self._say(connection, RETRY, self.session.sent)

    def _pump(self, connection: Connection) -> None:
        session = self.session
        received = session.received
        for number, parts in session.take():
            connection.send([_PREFIX.pack(DATA, number, received), *parts])
        session.on_ack_sent()

    def _say(self, connection: Connection, kind: int, number: int) -> None:
        connection.send([_PREFIX.pack(kind, number, self.session.received)])
        self.session.on_ack_sent()


class _End:
    """One end of a connection, until it has ended: first the handshake, then the link's frames."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._connection: Connection | None = None
        self._link: Link | None = None
        self._is_ready = False
        self.frame_bytes_max = HANDSHAKE_BYTES_MAX

    def on_open(self, connection: Connection) -> None:
        """See `Receiver`."""
        self._connection = connection
        self._links.after(HANDSHAKE_US, self._on_deadline)
        self._begin(connection)

    def on_frame(self, frame: memoryview) -> None:
        """See `Receiver`."""
        assert self._connection is not None
        try:
            if self._is_ready and self._link is not None:
                self._link.on_frame(self._connection, frame)
            else:
                self._shake(self._connection, bytes(frame))
        except BadFrame as error:
            logger().warning("connection closed", peer=self._connection.peer, reason=str(error))
            self._connection.close(str(error))

    def on_close(self, why: str) -> None:
        """See `Receiver`."""
        if self._link is not None and self._connection is not None:
            self._link.on_end(self._connection)

    def _on_deadline(self) -> None:
        if not self._is_ready and self._connection is not None:
            self._connection.close(f"no handshake within {HANDSHAKE_US / 1e6:g} s")

    def _ready(self, connection: Connection, link: Link, received: int) -> None:
        self._link = link
        self._is_ready = True
        self.frame_bytes_max = FRAME_BYTES_MAX
        link.on_ready(connection, received)

    def _begin(self, connection: Connection) -> None:
        """The first words, if this end has them."""

    def _shake(self, connection: Connection, frame: bytes) -> None:
        """Words of the handshake."""


class CallerEnd(_End):
    """The end of the node that calls."""

    def __init__(self, links: Links, link: Link) -> None:
        super().__init__(links)
        self._caller_link = link
        nonce = links.nonce(NONCE_BYTES)
        self._caller = Caller(links.cluster, links.secret, links.me.number, link.peer.number, nonce)

    def _begin(self, connection: Connection) -> None:
        connection.send([self._caller.hello()])

    def _shake(self, connection: Connection, frame: bytes) -> None:
        answer = self._caller.on_answer(frame, self._caller_link.session.received)
        if isinstance(answer, Refusal):
            connection.close(answer.reason)
            if answer.fenced:
                self._links.on_fenced(self._caller_link.peer.number)
            return
        proof, received = answer
        connection.send([proof])
        self._ready(connection, self._caller_link, received)

    def on_close(self, why: str) -> None:
        """See `Receiver`."""
        if self._is_ready:
            super().on_close(why)
        else:
            self._caller_link.call_again()


class CalledEnd(_End):
    """The end of the node that is called."""

    def __init__(self, links: Links) -> None:
        super().__init__(links)
        self._called = Called(links.cluster, links.secret, links.nonce(NONCE_BYTES))
        self._hello: Hello | None = None

    def _shake(self, connection: Connection, frame: bytes) -> None:
        if self._hello is None:
            self._on_hello(connection, self._called.on_hello(frame))
            return
        received = self._called.on_proof(frame)
        link = self._links.link(self._hello.caller)
        if link is None:
            connection.close("it was declared dead")
        else:
            self._ready(connection, link, received)

    def _on_hello(self, connection: Connection, hello: Hello) -> None:
        why = self._links.why_not(hello)
        link = self._links.link(hello.caller)
        if why is not None or link is None:
            fenced = self._links.is_fenced(hello.caller)
            connection.send([refusal(why or "unknown", fenced=fenced)])
            connection.close(why or "unknown")
            return
        self._hello = hello
        connection.send([self._called.welcome(link.session.received)])
