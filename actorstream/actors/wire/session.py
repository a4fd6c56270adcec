"""A session: what two nodes have to say to each other, for as long as both live, over however many connections. Pure.

Theory of operation. Every frame has a number, counted from 1, and is kept until the other node has acknowledged it;
acknowledgements are cumulative. A frame that is not the next one is a repetition, and dropped, or shows a gap, and then
the other node is asked to go back to what was last in order. When a connection is made again both say how far they have
come. The last frame may be lost with nothing behind it that would show the gap, so heartbeats carry its number.

While there is a connection everything leaves as it is pushed; so whoever goes back sends all that is not acknowledged.

A session belongs to two lives of nodes: their numbers are never used again, so nothing of an earlier life can be taken
for part of it.

Guarantees: what is accepted is what was pushed, in order, each once; what waits is bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from actorstream.errors import MailboxFull
from actorstream.host.network import Part

UNACKED_FRAMES_MAX = 65_536
"""Frames that may wait for their acknowledgement."""

UNACKED_BYTES_MAX = 256 << 20
"""Bytes that may wait for their acknowledgement; what begins below it may end above."""

ACK_FRAMES, ACK_BYTES = 64, 256 << 10
"""After so much an acknowledgement is sent, even if there is nothing to send it with."""

Frame = tuple[int, int, Sequence[Part]]
"""A frame that waits: its number, its kind, and what it is made of. The session looks at its number only."""


class Session:
    """See the module.

    Attributes:
        received: the number of the last frame that came in order.
        sent: the number of the last frame that was pushed.
        acknowledged: the number up to which the other node has everything.
        resent: how many frames left more than once.
        unacked_bytes: how many bytes wait for their acknowledgement.
    """

    __slots__ = (
        "_ack_bytes",
        "_ack_from",
        "_asked_from",
        "_left",
        "_sizes",
        "_unacked",
        "acknowledged",
        "received",
        "resent",
        "sent",
        "unacked_bytes",
    )

    def __init__(self) -> None:
        self.received = 0
        self.sent = 0
        self.acknowledged = 0
        self.resent = 0
        self.unacked_bytes = 0
        self._unacked: deque[Frame] = deque()
        self._sizes: deque[int] = deque()
        self._left = 0  # The last frame that has left at least once.
        self._ack_from = 0
        self._ack_bytes = 0
        self._asked_from = -1  # What had been received when the other node was asked to go back: once is enough.

    # --- what goes out -----------------------------------------------------------------------------------------------

    @property
    def unacked_frames(self) -> int:
        """How many frames wait for their acknowledgement."""
        return len(self._unacked)

    def check_room(self) -> None:
        """Make sure that there is room for what is about to be pushed.

        Raises:
            MailboxFull: too much waits.
        """
        if len(self._unacked) >= UNACKED_FRAMES_MAX or self.unacked_bytes >= UNACKED_BYTES_MAX:
            frames, size = len(self._unacked), self.unacked_bytes
            raise MailboxFull(f"{frames} frames, {size} bytes wait for their acknowledgement by another node")

    def push(self, kind: int, parts: Sequence[Part], size: int, *, leaves: bool) -> int:
        """One more frame; its number. `leaves`: there is a connection, over which it goes at once."""
        self.sent = number = self.sent + 1
        self._unacked.append((number, kind, parts))
        self._sizes.append(size)
        self.unacked_bytes += size
        if leaves:
            self._left = number
        return number

    def begin(self, received: int, floor: int) -> list[Frame]:
        """There is a new connection, and the other node has received so much: what is to be sent over it.

        Args:
            received: as it said when the connection began.
            floor: what it had acknowledged before it said that; over an older connection it may have said more since.

        Raises:
            ValueError: it cannot have that, or has forgotten what it had acknowledged.
        """
        if received < floor:
            raise ValueError(f"it has received {received} frames, and had acknowledged {floor}")
        self._asked_from = -1
        return self.go_back(received)

    def go_back(self, received: int) -> list[Frame]:
        """The other node has everything up to `received`, and asks for what comes after: what is to be sent.

        Raises:
            ValueError: it cannot have that.
        """
        self.on_ack(received)
        self.resent += max(0, self._left - self.acknowledged)
        self._left = self.sent
        return list(self._unacked)

    def on_ack(self, received: int) -> None:
        """The other node has everything up to `received`. One that was overtaken says nothing new.

        Raises:
            ValueError: it cannot have that.
        """
        if received > self._left:
            raise ValueError(f"frame {received} is acknowledged, and {self._left} was the last that was sent")
        while self.acknowledged < received:
            self.acknowledged += 1
            self._unacked.popleft()
            self.unacked_bytes -= self._sizes.popleft()

    # --- what comes in -----------------------------------------------------------------------------------------------

    def accept(self, number: int, size: int) -> bool:
        """Whether this frame is the next one, and is to be delivered."""
        if number != self.received + 1:
            return False
        self.received = number
        self._ack_bytes += size
        return True

    def must_ask(self, number: int, *, again: bool = False) -> bool:
        """Whether to ask the other node to go back: it has sent frame `number`, and earlier ones are missing.

        Args:
            number: of a frame that has come and was not accepted, or of which a heartbeat told.
            again: ask even if that was done: the question, or the answer, may have been lost.
        """
        if number <= self.received or (self._asked_from == self.received and not again):
            return False
        self._asked_from = self.received
        return True

    @property
    def owes_ack(self) -> bool:
        """Whether enough has come for an acknowledgement of its own."""
        return self.received - self._ack_from >= ACK_FRAMES or self._ack_bytes >= ACK_BYTES

    def on_ack_sent(self) -> None:
        """An acknowledgement went out, with a frame or alone."""
        self._ack_from = self.received
        self._ack_bytes = 0

    def check(self) -> None:
        """Raise if an invariant is broken."""
        assert self.acknowledged + len(self._unacked) == self.sent
        assert self.acknowledged <= self._left <= self.sent
        assert self.unacked_bytes == sum(self._sizes)
        assert [number for number, _, _ in self._unacked] == list(range(self.acknowledged + 1, self.sent + 1))
