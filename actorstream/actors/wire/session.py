"""A session: what two nodes have to say to each other, for as long as both live, over however many connections. Pure.

Theory of operation. Every frame has a number, counted from 1, and is kept until the other node has acknowledged it;
acknowledgements are cumulative. A frame that is not the next one is a repetition, and dropped, or shows a gap, and then
the other node is asked to go back to what was last in order. When a connection is made again both say how far they have
come. The last frame may be lost with nothing behind it that would show the gap, so heartbeats carry its number.

A session belongs to two lives of nodes: their numbers are never used again, so nothing of an earlier life can be taken
for part of it.

Guarantees: what is delivered is what was sent, in order, each once; what waits is bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from actorstream.errors import MailboxFull
from actorstream.host.network import Part

UNACKED_FRAMES_MAX = 65_536
"""Frames that may wait for their acknowledgement."""

UNACKED_BYTES_MAX = 256 << 20
"""Bytes that may wait for their acknowledgement; one frame more may begin below it."""

ACK_FRAMES, ACK_BYTES = 64, 256 << 10
"""After so much an acknowledgement is sent, even if there is nothing to send it with."""


class Session:
    """See the module.

    Attributes:
        received: the number of the last frame that came in order.
        sent: the number of the last frame that was given to this session.
        acknowledged: the number up to which the other node has everything.
        resent: how many frames were sent again.
    """

    __slots__ = ("_ack_bytes", "_ack_from", "_next", "_size", "_unacked", "acknowledged", "received", "resent", "sent")

    def __init__(self) -> None:
        self.received = 0
        self.sent = 0
        self.acknowledged = 0
        self.resent = 0
        self._unacked: deque[tuple[Sequence[Part], int]] = deque()
        self._size = 0
        self._next = 1  # To be sent next over the present connection.
        self._ack_from = 0
        self._ack_bytes = 0

    # --- what goes out -----------------------------------------------------------------------------------------------

    @property
    def unacked_frames(self) -> int:
        """How many frames wait for their acknowledgement."""
        return len(self._unacked)

    @property
    def unacked_bytes(self) -> int:
        """How many bytes wait for their acknowledgement."""
        return self._size

    def push(self, parts: Sequence[Part], size: int) -> None:
        """One more frame.

        Raises:
            MailboxFull: too much waits.
        """
        if len(self._unacked) >= UNACKED_FRAMES_MAX or self._size >= UNACKED_BYTES_MAX:
            raise MailboxFull(f"{len(self._unacked)} frames, {self._size} bytes wait for their acknowledgement")
        self._unacked.append((parts, size))
        self._size += size
        self.sent += 1

    def take(self) -> Iterator[tuple[int, Sequence[Part]]]:
        """The frames that have not been sent over the present connection: (number, parts)."""
        while self._next <= self.sent:
            number = self._next
            self._next += 1
            yield number, self._unacked[number - self.acknowledged - 1][0]

    def go_back(self, received: int) -> None:
        """The other node has everything up to `received`: what comes after is sent (again).

        Raises:
            ValueError: it cannot have that.
        """
        self.on_ack(received)
        self.resent += max(0, self._next - self.acknowledged - 1)
        self._next = self.acknowledged + 1

    def on_ack(self, received: int) -> None:
        """The other node has everything up to `received`.

        Raises:
            ValueError: it cannot have that.
        """
        if received > self.sent:
            raise ValueError(f"frame {received} is acknowledged, and {self.sent} was the last that was sent")
        while self.acknowledged < received:
            self.acknowledged += 1
            self._size -= self._unacked.popleft()[1]
        self._next = max(self._next, self.acknowledged + 1)

    # --- what comes in -----------------------------------------------------------------------------------------------

    def accept(self, number: int, size: int) -> bool:
        """Whether this frame is the next one, and is to be delivered."""
        if number != self.received + 1:
            return False
        self.received = number
        self._ack_bytes += size
        return True

    def is_behind(self, number: int) -> bool:
        """Whether frames before `number`, which has come, or of which a heartbeat told, are missing."""
        return number > self.received

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
        assert self.acknowledged < self._next <= self.sent + 1
