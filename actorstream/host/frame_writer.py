"""Frames on their way out: what was sent in one turn leaves together, in few pieces and with few copies.

Small pieces are joined, because a system call costs more than a copy; large ones go as they are, in slices: an event
loop copies what the socket does not take at once, and so it is never given more than a slice too many.

Guarantees: bytes leave in the order in which they were sent. Leaves to others: when to ask for more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from actorstream.host.delivery import frame_length
from actorstream.host.frame_reader import LENGTH
from actorstream.host.network import Part

JOINED_BYTES = 128 << 10
"""A piece of this size or above is not copied."""

PIECE_BYTES_MAX = 512 << 10
"""What is given to the event loop at once."""


class FrameWriter:
    """See the module. Frames are added, and taken out as pieces of a good size.

    Attributes:
        waiting_bytes: what has not been taken out.
    """

    __slots__ = ("_parts", "waiting_bytes")

    def __init__(self) -> None:
        self._parts: deque[Part] = deque()
        self.waiting_bytes = 0

    def add(self, parts: Sequence[Part]) -> None:
        """Add one frame.

        Raises:
            ValueError: it is empty, or too long.
        """
        length = frame_length(parts)
        self._parts.append(LENGTH.pack(length))
        self._parts.extend(map(_bytewise, parts))
        self.waiting_bytes += LENGTH.size + length

    def take(self) -> Part:
        """The next piece, which is not empty; there must be one."""
        piece = self._take_large() if len(self._parts[0]) >= JOINED_BYTES else self._take_joined()
        self.waiting_bytes -= len(piece)
        return piece

    def clear(self) -> None:
        """Forget all."""
        self._parts.clear()
        self.waiting_bytes = 0

    def _take_large(self) -> Part:
        view = memoryview(self._parts.popleft())
        if len(view) > PIECE_BYTES_MAX:
            self._parts.appendleft(view[PIECE_BYTES_MAX:])
        return view[:PIECE_BYTES_MAX]

    def _take_joined(self) -> Part:
        parts, size, joined = self._parts, 0, []
        while parts and size < PIECE_BYTES_MAX and len(parts[0]) < JOINED_BYTES:
            part = parts.popleft()
            joined.append(part)
            size += len(part)
        return joined[0] if len(joined) == 1 else b"".join(joined)


def _bytewise(part: Part) -> Part:
    """A view whose `len` counts bytes, as that of bytes does."""
    return part.cast("B") if type(part) is memoryview and part.format != "B" else part
