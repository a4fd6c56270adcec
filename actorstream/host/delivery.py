"""What a network does with a receiver: the calls, and what they raise kept from everybody else.

Guarantees: a receiver that raises is logged with one line
and loses its own connection, nothing more; a frame of a length that it does not take never reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ParamSpec

from actorstream.host.logs import logger
from actorstream.host.network import FRAME_BYTES_MAX, Connection, Part, Receiver

RAISED = "the receiver raised"
"""Why a connection ends whose receiver could not take what came."""

P = ParamSpec("P")


class Delivery:
    """The calls to one receiver."""

    __slots__ = ("_peer", "_receiver")

    def __init__(self, receiver: Receiver, peer: str) -> None:
        self._receiver, self._peer = receiver, peer

    def open(self, connection: Connection) -> str:
        """The connection is there; why it must end, or nothing."""
        return self._call("open", self._receiver.on_open, connection)

    def frame(self, frame: memoryview) -> str:
        """A frame came; why the connection must end, or nothing."""
        try:
            self._receiver.on_frame(frame)
        except Exception:
            return self._raised("frame")
        return ""

    def close(self, why: str) -> None:
        """It has ended; whoever calls this does so once."""
        self._call("close", self._receiver.on_close, why)

    def refusal(self, length: int) -> str:
        """Why a frame of this length is not taken, or nothing."""
        if 0 < length <= self._receiver.frame_bytes_max:
            return ""
        return f"a frame of {length} bytes came; between 1 and {self._receiver.frame_bytes_max} are taken"

    def _call(self, what: str, call: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> str:
        try:
            call(*args, **kwargs)
        except Exception:
            return self._raised(what)
        return ""

    def _raised(self, what: str) -> str:
        logger(peer=self._peer).error("a receiver raised; its connection ends", at=what, exc_info=True)
        return RAISED


def receiver_of(accept: Callable[[], Receiver], address: str) -> Receiver | None:
    """A receiver for a connection that came in; None, and a line in the log, if `accept` raises."""
    try:
        return accept()
    except Exception:
        logger(address=address).error("nobody takes a connection; it is closed", exc_info=True)
        return None


def frame_length(parts: Sequence[Part]) -> int:
    """How long the frame of these parts is, in bytes.

    Raises:
        ValueError: it is empty, or longer than anybody takes: whoever makes frames makes smaller ones.
    """
    length = 0
    for part in parts:
        length += part.nbytes if type(part) is memoryview else len(part)
    if 0 < length <= FRAME_BYTES_MAX:
        return length
    raise ValueError(f"a frame has 1 to {FRAME_BYTES_MAX} bytes, not {length}")
