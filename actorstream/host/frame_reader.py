"""From the bytes of a socket to frames, with few copies: where the next bytes go, and which frames they complete.

On the wire a frame is its length (unsigned, 32 bits, big-endian), then its bytes.

Small frames share: whatever one read brought is copied out once, and each frame is a slice of that copy. A large one,
of more than half the space that they share, is received straight into a buffer of its own, but for what came along with
its length. The shared space grows when a read fills it, so that a silent connection costs little and a busy one reads
much at once. A small frame that is kept for long keeps up to `READ_BYTES_MAX` alive.

Guarantees: frames of any bytes in any pieces come out as they went in; a length that is refused ends it; a peer that
announces a frame costs `AHEAD_BYTES_MAX` or twice what it has sent, whichever is more, and never more than the receiver
takes: the buffer of a frame above that grows as its bytes come.
"""

from __future__ import annotations

from struct import Struct

from actorstream.host.delivery import Delivery

LENGTH = Struct(">I")

READ_BYTES_MIN = 16 << 10
"""What one read takes at first."""

READ_BYTES_MAX = 256 << 10
"""What one read takes at most, but for large frames."""

AHEAD_BYTES_MAX = 8 << 20
"""The most that is made ready for a frame before its bytes come."""


class FrameReader:
    """See the module. `space()` says where to read to, `took(count)` how much came there; then frames are delivered."""

    __slots__ = ("_delivery", "_filled", "_is_large", "_length", "_shared", "_view", "ended")

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._shared = memoryview(bytearray(READ_BYTES_MIN))
        self._filled = 0  # Of the shared buffer, or of the large frame's.
        self._is_large = False
        self._view = self._shared
        self._length = 0
        self.ended = ""
        """Why nothing more is read; whoever drives it may say so, too."""

    @property
    def is_within_a_frame(self) -> bool:
        """Whether an end now would be in the middle of a frame."""
        return self._is_large or self._filled > 0

    def space(self) -> memoryview:
        """Where the next bytes go; never empty."""
        if self.ended:
            return self._shared  # Nobody looks at it.
        return self._view[self._filled :]

    def took(self, count: int) -> None:
        """So many bytes came; nothing if it has ended."""
        if self.ended:
            return
        self._filled += count
        if not self._is_large:
            self._share()
        elif self._filled == self._length:
            self._finish()
        elif self._filled == len(self._view):
            self._grow()

    def _share(self) -> None:
        """Deliver the frames that are whole, and keep the rest."""
        filled, shared = self._filled, self._shared
        if filled < LENGTH.size:
            return
        (length,) = LENGTH.unpack_from(shared)
        if LENGTH.size + length > filled:  # Not one is whole: nothing to copy.
            self._await(length)
            return
        block = memoryview(shared[:filled].tobytes())
        rest = self._deliver(block)
        if filled == len(shared) < READ_BYTES_MAX:
            self._shared = self._view = shared = memoryview(bytearray(2 * len(shared)))
        self._filled = filled - rest
        shared[: self._filled] = block[rest:]
        if self._filled >= LENGTH.size:
            self._await(LENGTH.unpack_from(shared)[0])

    def _deliver(self, block: memoryview) -> int:
        """Deliver what is whole; where the rest begins."""
        unpack, size, end, delivery = LENGTH.unpack_from, LENGTH.size, len(block), self._delivery
        start = 0
        while end - start >= size:
            (length,) = unpack(block, start)
            after = start + size + length
            if after > end:
                break
            # One check a frame, because the receiver may take longer ones after any of them.
            why = delivery.refusal(length) or delivery.frame(block[start + size : after])
            self.ended = self.ended or why
            if self.ended:
                return end
            start = after
        return start

    def _await(self, length: int) -> None:
        """The shared buffer begins with a frame that is not whole."""
        self.ended = self._delivery.refusal(length)
        if self.ended or length <= len(self._shared) // 2:
            return
        came = self._shared[LENGTH.size : self._filled]
        self._is_large, self._length = True, length
        self._view = memoryview(bytearray(min(length, AHEAD_BYTES_MAX)))
        self._view[: len(came)] = came
        self._filled = len(came)

    def _grow(self) -> None:
        """Make more room, by a copy: whoever drives this may still hold the last space, which keeps its size."""
        before = self._view
        self._view = memoryview(bytearray(min(2 * len(before), self._length)))
        self._view[: len(before)] = before

    def _finish(self) -> None:
        frame = self._view
        self._is_large, self._view, self._filled = False, self._shared, 0
        self.ended = self._delivery.frame(frame) or self.ended
