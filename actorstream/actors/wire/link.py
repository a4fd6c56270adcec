"""A link: all that goes to one other node and comes from it, over one connection after another.

The node with the higher number calls; if the connection ends, or nothing comes through it, it calls again, after a
pause that doubles. What was not acknowledged goes once more (`session`), so that nobody above notices.

A frame between nodes is its kind (1 byte), a number and an acknowledgement (8 bytes each, big-endian), and what the
kind says:

- data: a parcel, or its last piece; more: a piece that others follow; bundle: several parcels, each behind its length
  (4 bytes, big-endian). The number is the frame's own.
- heartbeat: three times, in microseconds: the sender's now, what the other's last heartbeat said of its now, and how
  long ago that came; from them both know how long a way and back takes. The number, here and below, is that of the
  last frame sent.
- retry: nothing; go back to this acknowledgement. Acknowledgement: nothing.

Guarantees: nothing comes from a closed link, and nothing of a connection that a newer one has replaced. A parcel that
cannot be read is lost, counted and reported. It is not sent again, because it would not be better then, and it does not
end its connection: its frame was in order, and other actors wait for what comes behind it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from actorstream.actors.message import Message
from actorstream.actors.ref import Ref
from actorstream.actors.restarts import Pauses
from actorstream.actors.specification import Backoff
from actorstream.actors.wire.bad_frame import BadFrame
from actorstream.actors.wire.codec import AHEAD_BYTES
from actorstream.actors.wire.parcel import Parcel
from actorstream.actors.wire.pieces import PIECE_BYTES, Assembly, cut
from actorstream.actors.wire.run import LENGTH, Run
from actorstream.actors.wire.session import Frame, Session
from actorstream.errors import Unsendable
from actorstream.host.network import FRAME_BYTES_MAX, Connection, Part

if TYPE_CHECKING:
    from actorstream.actors.wire.links import Links, Peer

DATA, MORE, HEARTBEAT, RETRY, ACK, BUNDLE = 1, 2, 3, 4, 5, 6
_WITH_DATA = (DATA, MORE, BUNDLE)

PARCEL_BYTES_MAX = FRAME_BYTES_MAX
"""The longest message, written; larger ones are a matter for channels, which have credit."""

BUNDLED_BYTES_MAX = 4 << 10
"""Messages up to this size that are sent in one turn of the loop leave in one frame."""

BUNDLE_BYTES = 64 << 10
"""A bundle that has reached this size leaves at once."""

PREFIX = struct.Struct(">BQQ")
assert PREFIX.size == AHEAD_BYTES
TIMES = struct.Struct(">QQQ")

CALL_BACKOFF = Backoff(5_000, 1_000_000)
"""The pause before a connection is tried again."""

SILENT_BEATS_MAX = 5
"""After so many heartbeats without a word the node that calls makes a new connection. The old one stays until then:
it may be that nothing gets through now, and then a call takes longer than what is only late."""


class Link:
    """See the module.

    Attributes:
        peer: the other node.
        session: what was said.
        heard_us: when something came last (monotonic time); moved on by as much as this node was late itself.
        rtt_us: how long a way to the other node and back took last; None: not known yet.
        connections: how many there were.
        unreadable: how many parcels were lost because this node could not read them.
    """

    def __init__(self, links: Links, peer: Peer) -> None:
        self._links = links
        self.peer = peer
        self.session = Session()
        self.heard_us = links.now_us()
        self.rtt_us: int | None = None
        self.connections = 0
        self.unreadable = 0
        self._assembly = Assembly()
        self._bundle: list[bytes] = []  # Parcels, each behind its length, that leave at the end of this turn.
        self._bundle_bytes = 0
        self._run: Run | None = None  # Leaves behind them.
        self._is_flush_due = False
        self._connection: Connection | None = None
        self._heartbeat_us, self._heartbeat_came_us = 0, 0  # The other's last: what it said, and when it came.
        self._pauses = Pauses(CALL_BACKOFF)
        self._is_calling = False  # Now, or after a pause.
        self.is_closed = False
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

    def send(self, target: Ref, sender: Ref, message: Message) -> None:
        """Send a message. What raises has sent nothing.

        Raises:
            MailboxFull: too much waits for its acknowledgement.
            Unsendable: the message cannot leave this process.
        """
        run = self._run
        if (
            run is None
            or type(message) is not run.kind
            or (target is not run.target and target != run.target)
            or (sender is not run.sender and sender != run.sender)
        ):
            self._send_apart(target, sender, message)
            return
        size = run.add(message)
        if not 0 < size <= BUNDLED_BYTES_MAX:
            if size:
                run.drop(size)
            self._send_apart(target, sender, message)
        elif self._bundle_bytes + len(run.body) >= BUNDLE_BYTES:
            self._flush()

    def _send_apart(self, target: Ref, sender: Ref, message: Message) -> None:
        """Begin a run, or send a parcel of its own."""
        self.session.check_room()
        codec = self._links.codec
        run = codec.run(target, sender, message)
        if run is not None and len(run.body) <= BUNDLED_BYTES_MAX:
            self._begin(run)
            return
        parts = [run.parcel()] if run is not None else codec.describe(target, sender, message)
        size = sum(map(_size, parts))
        if size > PARCEL_BYTES_MAX:
            what = type(message).__name__
            raise Unsendable(f"{what} has {size} bytes, and a message {PARCEL_BYTES_MAX} at most; send it in pieces")
        if size <= BUNDLED_BYTES_MAX:
            self._gather(b"".join(parts))
        else:
            self._send_alone(parts, size)

    def _send_alone(self, parts: Sequence[Part], size: int) -> None:
        self._flush()
        if size <= PIECE_BYTES:
            self._push(DATA, parts, size)
            return
        for piece, piece_bytes in cut(parts):
            size -= piece_bytes
            self._push(MORE if size else DATA, piece, piece_bytes)

    def _begin(self, run: Run) -> None:
        if not run.target.path:
            # What is for the node itself acts as it is taken, and then everything may be different: it comes alone.
            self._gather(run.parcel())
            return
        self._end_run()
        self._run = run
        self._leave_soon()

    def _gather(self, parcel: bytes) -> None:
        self._end_run()
        self._put(parcel)
        self._leave_soon()
        if self._bundle_bytes >= BUNDLE_BYTES:
            self._flush()

    def _end_run(self) -> None:
        """What is sent from now on is not part of it."""
        run, self._run = self._run, None
        if run is not None:
            self._put(run.parcel())

    def _put(self, parcel: bytes) -> None:
        self._bundle += (LENGTH.pack(len(parcel)), parcel)
        self._bundle_bytes += len(parcel)

    def _leave_soon(self) -> None:
        if not self._is_flush_due:
            self._is_flush_due = True
            self._links.after(0, self._on_flush_due)

    def _on_flush_due(self) -> None:
        self._is_flush_due = False
        self._flush()

    def _flush(self) -> None:
        """Let what was gathered leave."""
        self._end_run()
        bundle, self._bundle = self._bundle, []
        size, self._bundle_bytes = self._bundle_bytes, 0
        if self.is_closed or not bundle:
            return
        if len(bundle) == 2:
            self._push(DATA, [bundle[1]], size)
        else:
            self._push(BUNDLE, [b"".join(bundle)], size)

    def close(self, why: str) -> None:
        """Nothing goes out or comes in any more; what was sent leaves, if there is a connection."""
        self._flush()
        self.is_closed = True
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(why)

    def beat(self, now_us: int) -> None:
        """Say that this node lives, and how far things are."""
        self._flush()
        connection = self._connection
        if connection is None:
            return
        held_us = now_us - self._heartbeat_came_us if self._heartbeat_us else 0
        times = TIMES.pack(now_us, self._heartbeat_us, held_us)
        connection.send([PREFIX.pack(HEARTBEAT, self.session.sent, self.session.received), times])
        self.session.on_ack_sent()
        is_silent = now_us - self.heard_us > SILENT_BEATS_MAX * self._links.heartbeat_us
        if is_silent and self.calls and not self._is_calling:
            self._call()

    # --- connections -------------------------------------------------------------------------------------------------

    def on_call_failed(self) -> None:
        """No connection came of a call."""
        self._is_calling = False
        self._call_again()

    def on_ready(self, connection: Connection, received: int, floor: int) -> None:
        """A connection is there, and whoever is at its other end has received so much.

        Args:
            connection: both ends have shown who they are.
            received: as the other end said during the handshake.
            floor: what it had acknowledged before it said so.

        Raises:
            BadFrame: that cannot be.
        """
        self._is_calling = False
        if self.is_closed:
            connection.close("this link is closed")
            return
        before, self._connection = self._connection, connection
        if before is not None:
            before.close("there is a newer connection")
        self.connections += 1
        self.heard_us = self._links.now_us()
        try:
            self._send_all(connection, self.session.begin(received, floor))
        except ValueError as error:
            raise BadFrame(str(error)) from None
        self.beat(self.heard_us)

    def on_end(self, connection: Connection) -> None:
        """A connection has ended."""
        if self._connection is connection:
            self._connection = None
            self._call_again()

    def _call_again(self) -> None:
        if self.calls and not (self._is_calling or self.is_connected or self.is_closed):
            self._is_calling = True
            self._links.after(self._links.pause_us(self._pauses), self._call)

    def _call(self) -> None:
        if not self.is_closed:
            self._is_calling = True
            self._links.call(self)

    # --- frames ------------------------------------------------------------------------------------------------------

    def on_frame(self, connection: Connection, frame: memoryview) -> None:
        """Something came.

        Raises:
            BadFrame: it is not what it should be.
        """
        if connection is not self._connection:
            return  # Of a connection that a newer one has replaced, or of a closed link.
        if len(frame) < PREFIX.size:
            raise BadFrame(f"a frame of {len(frame)} bytes came")
        kind, number, ack = PREFIX.unpack_from(frame)
        self.heard_us = self._links.now_us()
        try:
            if kind == RETRY:
                self._send_all(connection, self.session.go_back(ack))
            else:
                self.session.on_ack(ack)
        except ValueError as error:
            raise BadFrame(str(error)) from None
        if kind in _WITH_DATA:
            self._on_data(connection, kind, number, frame)
        elif kind == HEARTBEAT:
            self._on_heartbeat(connection, number, frame)
        elif kind != RETRY and kind != ACK:
            raise BadFrame(f"a frame of kind {kind} came")

    def _on_data(self, connection: Connection, kind: int, number: int, frame: memoryview) -> None:
        session = self.session
        if not session.accept(number, len(frame)):
            self._ask_if_behind(connection, number)
            return
        if session.owes_ack:
            self._say(connection, ACK)
        piece = frame[PREFIX.size :]
        if kind == BUNDLE:
            self._on_bundle(piece)
            return
        try:
            if kind == MORE:
                self._assembly.add(piece)
                return
            parcel = self._links.codec.decode(self._assembly.finish(piece))
        except BadFrame as error:
            self._on_unreadable(error)
            return
        self._complain_of(parcel)
        self._links.on_parcel(self.peer.number, parcel)

    def _on_bundle(self, bundle: memoryview) -> None:
        decode, on_parcel, number = self._links.codec.decode, self._links.on_parcel, self.peer.number
        start, end = 0, len(bundle)
        failed: Exception | None = None
        while start < end and not self.is_closed:
            if end - start < LENGTH.size:
                raise BadFrame(f"{end - start} bytes came at the end of a bundle")
            (size,) = LENGTH.unpack_from(bundle, start)
            start += LENGTH.size
            if size > end - start:
                raise BadFrame(f"a parcel of {size} bytes is announced in a bundle, and {end - start} are there")
            try:
                parcel = decode(bundle[start : start + size])
            except BadFrame as error:
                self._on_unreadable(error)
            else:
                self._complain_of(parcel)
                try:
                    on_parcel(number, parcel)
                except Exception as error:  # For the network to report; but first the others, who never come again.
                    failed = failed or error
            start += size
        if failed is not None:
            raise failed

    def _complain_of(self, parcel: Parcel) -> None:
        for error in parcel.unreadable:
            self._on_unreadable(error)

    def _on_unreadable(self, error: BadFrame) -> None:
        self.unreadable += 1
        self._links.complain("message lost", node=self.peer.number, reason=str(error))

    def _on_heartbeat(self, connection: Connection, number: int, frame: memoryview) -> None:
        if len(frame) != PREFIX.size + TIMES.size:
            raise BadFrame(f"a heartbeat of {len(frame)} bytes came")
        theirs_us, ours_us, held_us = TIMES.unpack_from(frame, PREFIX.size)
        self._heartbeat_us, self._heartbeat_came_us = theirs_us, self.heard_us
        if ours_us:
            self.rtt_us = max(0, self.heard_us - ours_us - held_us)
        self._ask_if_behind(connection, number, again=True)

    def _ask_if_behind(self, connection: Connection, number: int, *, again: bool = False) -> None:
        if self.session.must_ask(number, again=again):
            self._say(connection, RETRY)

    def _push(self, kind: int, parts: Sequence[Part], size: int) -> None:
        session, connection = self.session, self._connection
        number = session.push(kind, parts, size, leaves=connection is not None)
        if connection is not None:
            connection.send([PREFIX.pack(kind, number, session.received), *parts])
            session.on_ack_sent()

    def _send_all(self, connection: Connection, frames: Sequence[Frame]) -> None:
        received = self.session.received
        for number, kind, parts in frames:
            connection.send([PREFIX.pack(kind, number, received), *parts])

    def _say(self, connection: Connection, kind: int) -> None:
        connection.send([PREFIX.pack(kind, self.session.sent, self.session.received)])
        self.session.on_ack_sent()


def _size(part: Part) -> int:
    return part.nbytes if type(part) is memoryview else len(part)
