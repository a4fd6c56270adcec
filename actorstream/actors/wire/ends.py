"""The two ends of a connection between nodes: first the handshake, and then the frames of a link.

Guarantees: until the other end has shown who it is, it costs a small frame and a deadline, and nothing it says is
believed. What does not fit closes its own connection, with one line in the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorstream.actors.wire.bad_frame import BadFrame
from actorstream.actors.wire.handshake import HANDSHAKE_BYTES_MAX, Called, Caller, Hello, Refusal
from actorstream.host.network import FRAME_BYTES_MAX, Connection

if TYPE_CHECKING:
    from actorstream.actors.scheduler import Timer
    from actorstream.actors.wire.link import Link
    from actorstream.actors.wire.links import Links

HANDSHAKE_US = 2_000_000
"""How long the first words on a connection may take."""


class End:
    """One end of a connection, until it has ended; see `Receiver`."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._connection: Connection | None = None
        self._deadline: Timer | None = None
        self._link: Link | None = None  # Once the other end has shown who it is.
        self._floor = 0  # What it had acknowledged when it was first spoken to.
        self.frame_bytes_max = HANDSHAKE_BYTES_MAX

    def on_open(self, connection: Connection) -> None:
        """See `Receiver`."""
        self._connection = connection
        self._deadline = self._links.after(HANDSHAKE_US, self._on_deadline)
        self._begin(connection)

    def on_frame(self, frame: memoryview) -> None:
        """See `Receiver`."""
        connection = self._connection
        assert connection is not None
        try:
            if self._link is not None:
                self._link.on_frame(connection, frame)
            else:
                self._shake(connection, bytes(frame))
        except BadFrame as error:
            self._links.complain("connection closed", peer=connection.peer, reason=str(error))
            connection.close(str(error))

    def on_close(self, why: str) -> None:
        """See `Receiver`."""
        self._settle()
        if self._link is not None and self._connection is not None:
            self._link.on_end(self._connection)

    def _settle(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_deadline(self) -> None:
        self._deadline = None
        if self._connection is not None:
            self._connection.close(f"no handshake within {HANDSHAKE_US / 1e6:g} s")

    def _ready(self, connection: Connection, link: Link, received: int) -> None:
        self._settle()
        self._link = link
        self.frame_bytes_max = FRAME_BYTES_MAX
        link.on_ready(connection, received, self._floor)

    def _begin(self, connection: Connection) -> None:
        """The first words, if this end has them."""

    def _shake(self, connection: Connection, frame: bytes) -> None:
        """Words of the handshake.

        Raises:
            BadFrame: they are none, or not from a node of this cluster.
        """


class CallerEnd(End):
    """The end of the node that calls, for its link."""

    def __init__(self, links: Links, link: Link) -> None:
        super().__init__(links)
        self._for = link
        self._caller = Caller(links.cluster, links.secret, links.me.number, link.peer.number, links.nonce())

    def _begin(self, connection: Connection) -> None:
        self._floor = self._for.session.acknowledged
        connection.send([self._caller.hello()])

    def _shake(self, connection: Connection, frame: bytes) -> None:
        link = self._for
        answer = self._caller.on_answer(frame, link.session.received)
        if isinstance(answer, Refusal):
            self._on_refusal(connection, answer)
            return
        proof, received = answer
        connection.send([proof])
        self._ready(connection, link, received)

    def _on_refusal(self, connection: Connection, refusal: Refusal) -> None:
        connection.close(refusal.reason)
        number = self._for.peer.number
        event = "connection refused by another node"
        self._links.complain(event, node=number, reason=refusal.reason, is_usual=not refusal.fenced)
        if refusal.fenced and not self._for.is_closed:
            self._links.on_fenced(number)

    def on_close(self, why: str) -> None:
        """See `Receiver`."""
        super().on_close(why)
        if self._link is None:
            self._for.on_call_failed()


class CalledEnd(End):
    """The end of the node that is called."""

    def __init__(self, links: Links) -> None:
        super().__init__(links)
        self._called = Called(links.cluster, links.secret, links.nonce())
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
        link = self._links.link(hello.caller)
        why = self._called.why_not(hello) or self._links.why_not(hello)
        if why or link is None:
            is_early = self._links.is_early(hello.caller)
            peer, caller = connection.peer, hello.caller
            self._links.complain("connection refused", peer=peer, node=caller, reason=why, is_usual=is_early)
            connection.send([self._called.refusal(why, fenced=self._links.is_fenced(hello.caller))])
            connection.close(why)
            return
        self._hello = hello
        self._floor = link.session.acknowledged
        connection.send([self._called.welcome(link.session.received)])
