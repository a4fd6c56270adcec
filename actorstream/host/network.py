"""Connections between processes that carry frames: the machine's sockets, or a simulation's.

A frame is some bytes that arrive as one piece. Guarantees of a connection: frames arrive whole, in the order in which
they were sent, each at most once; after `on_close` nothing arrives any more. That what was sent arrives is not
promised: a connection may end at any moment, on one side before the other.

Addresses are text: `unix:/path/of/socket`, `tcp:host:port` (port 0 when listening: any that is free).

Everything happens on the thread that runs the actors. Leaves to others: who is at the other end, what frames mean, and
what is sent again over the next connection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

Part = bytes | bytearray | memoryview
"""A piece of a frame; what was given to `send` must not be changed afterwards."""

FRAME_BYTES_MAX = 80 << 20
"""The longest frame that anybody sends or takes."""


class Receiver(Protocol):
    """What one end of a connection calls.

    Attributes:
        frame_bytes_max: a longer frame closes the connection; small until the other end is known.
    """

    frame_bytes_max: int

    def on_open(self, connection: Connection) -> None:
        """The connection is there; called once, before the others."""
        ...

    def on_frame(self, frame: memoryview) -> None:
        """A frame came. It is the receiver's own: nobody changes it later."""
        ...

    def on_close(self, why: str) -> None:
        """It has ended, or could never be made; called once, and last. `why` is for people."""
        ...


class Connection(Protocol):
    """One end of a connection.

    Attributes:
        peer: where the other end is, for people.
    """

    peer: str

    @property
    def backlog_bytes(self) -> int:
        """What was sent, and has not been taken by the network yet."""
        ...

    def send(self, parts: Sequence[Part]) -> None:
        """Send one frame, made of these parts; nothing if the connection has ended.

        What is sent in one turn of the loop leaves together. Nothing is refused: whoever sends looks at the backlog.
        """
        ...

    def close(self, why: str = "closed") -> None:
        """End it, after what was sent has left; `on_close` is called. Nothing if it has ended."""
        ...


class Listener(Protocol):
    """Where connections come in.

    Attributes:
        address: where it really is, with the port that was chosen.
    """

    address: str

    def close(self) -> None:
        """Take no more; those that are there stay. The socket's file is removed."""
        ...


class Network(Protocol):
    """How one node reaches others."""

    def listen(self, address: str, accept: Callable[[], Receiver]) -> Listener:
        """Take connections: each is given to a new receiver, made by `accept`.

        Raises:
            OSError: the address cannot be had.
        """
        ...

    def connect(self, address: str, receiver: Receiver) -> None:
        """Make a connection; `on_open` follows when it is there, `on_close` if it cannot be."""
        ...
