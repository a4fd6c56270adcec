"""Large parcels in pieces, so that a heartbeat waits behind one piece and not behind a whole parcel.

A node that receives 80 MB over a slow line must hear, meanwhile, that the other one lives. Nothing is copied where
pieces are cut; they are joined where they arrive. A parcel of up to `PIECE_BYTES` is its own only piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actorstream.actors.wire.bad_frame import BadFrame
from actorstream.host.network import FRAME_BYTES_MAX, Part

PIECE_BYTES = 4 << 20
"""The longest piece of a parcel."""


def cut(parts: Sequence[Part]) -> Iterator[tuple[list[Part], int]]:
    """The pieces of what these parts make, in order: (parts, bytes)."""
    piece: list[Part] = []
    room = PIECE_BYTES
    for view in map(_bytewise, parts):
        while len(view) > room:
            yield [*piece, view[:room]], PIECE_BYTES
            view, piece, room = view[room:], [], PIECE_BYTES
        piece.append(view)
        room -= len(view)
    yield piece, PIECE_BYTES - room


class Assembly:
    """Pieces that have come, until the last one of their parcel has."""

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[memoryview] = []
        self._size = 0

    def add(self, piece: memoryview) -> None:
        """One that others follow.

        Raises:
            BadFrame: nobody sends a parcel of that size.
        """
        self._size += len(piece)
        if self._size > FRAME_BYTES_MAX:
            self._pieces.clear()  # What follows is only counted.
            raise BadFrame(f"a parcel of more than {FRAME_BYTES_MAX} bytes came")
        self._pieces.append(piece)

    def finish(self, piece: memoryview) -> memoryview:
        """The parcel of which this is the last piece.

        Raises:
            BadFrame: nobody sends a parcel of that size.
        """
        if not self._size:
            return piece
        try:
            self.add(piece)
            return memoryview(b"".join(self._pieces))
        finally:
            self._pieces, self._size = [], 0


def _bytewise(part: Part) -> memoryview:
    view = memoryview(part)
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")
