"""A connection over a socket of the machine, driven by the asyncio loop that runs the actors."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from actorstream.host.delivery import Delivery
from actorstream.host.frame_reader import FrameReader
from actorstream.host.frame_writer import FrameWriter
from actorstream.host.network import Part, Receiver

SOCKET_BYTES = 4 << 20
"""What the system keeps of a connection, in each direction, as far as it allows: fewer wake-ups for large frames."""

TURN_BYTES_MAX = 4 << 20
"""What one connection writes before others have their turn."""

CLOSE_SECONDS = 2.0
"""How long an end that is closed waits for the other to take what was sent."""


class SocketConnection(asyncio.BufferedProtocol):
    """One end; see `Connection`. `ended` is called when the socket is gone."""

    def __init__(self, receiver: Receiver, peer: str, ended: Callable[[], None] = lambda: None) -> None:
        self.peer = peer
        self._ended = ended
        self._delivery = Delivery(receiver, peer)
        self._reader = FrameReader(self._delivery)
        self._writer = FrameWriter()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._why = ""
        self._may_write = True
        self._is_flush_due = self._has_finished = False
        self._abort: asyncio.TimerHandle | None = None

    @property
    def backlog_bytes(self) -> int:
        taken = self._transport.get_write_buffer_size() if self._transport is not None else 0
        return self._writer.waiting_bytes + taken

    def send(self, parts: Sequence[Part]) -> None:
        if self._why:
            return
        self._writer.add(parts)
        if self._may_write and not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def close(self, why: str = "closed") -> None:
        if self._why:
            return
        self._why = self._reader.ended = why
        if self._transport is not None:
            self._abort_later(self._transport)
            self._close_when_empty()

    def fail(self, why: str) -> None:
        """It could not be made."""
        self._finish(why)

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=1, low=0)  # Pause as soon as the socket does not take all.
        widen(transport.get_extra_info("socket"))
        self._end_if(self._delivery.open(self))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._reader.space()

    def buffer_updated(self, nbytes: int) -> None:
        self._reader.took(nbytes)
        self._end_if(self._reader.ended)

    def pause_writing(self) -> None:
        self._may_write = False

    def resume_writing(self) -> None:
        self._may_write = True
        self._flush()

    def eof_received(self) -> None:
        where = " in the middle of a frame" if self._reader.is_within_a_frame else ""
        self._why = self._why or f"the other end closed{where}"
        if self._transport is not None:
            self._abort_later(self._transport)  # asyncio closes it, but waits for ever for what was written.

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(f"the connection broke: {exc}" if exc is not None else "the other end closed")

    def _flush(self) -> None:
        """Write what the socket takes, or one turn's worth."""
        self._is_flush_due = False
        writer, transport = self._writer, self._transport
        assert transport is not None
        until_bytes = writer.waiting_bytes - TURN_BYTES_MAX
        while self._may_write and not transport.is_closing() and writer.waiting_bytes > max(until_bytes, 0):
            transport.write(writer.take())
        if self._may_write and not transport.is_closing() and writer.waiting_bytes:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)
        self._close_when_empty()

    def _finish(self, why: str) -> None:
        """Say that it has ended; nothing if that was said."""
        if self._has_finished:
            return
        self._has_finished = True
        self._why = self._reader.ended = self._why or why
        self._may_write = False
        self._writer.clear()
        if self._abort is not None:
            self._abort.cancel()
        self._delivery.close(self._why)
        self._ended()

    def _abort_later(self, transport: asyncio.Transport) -> None:
        if self._abort is None:
            self._abort = self._loop.call_later(CLOSE_SECONDS, transport.abort)

    def _close_when_empty(self) -> None:
        if self._why and not self._writer.waiting_bytes and self._transport is not None:
            self._transport.close()

    def _end_if(self, why: str) -> None:
        if why:
            self.close(why)


def widen(socket_: socket.socket) -> None:
    """Give a socket large buffers, and let small frames leave at once; a system that refuses is left as it is."""
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        try:
            socket_.setsockopt(socket.SOL_SOCKET, option, SOCKET_BYTES)
        except OSError:
            return
    if socket_.family != socket.AF_UNIX:
        socket_.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
