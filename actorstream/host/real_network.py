"""The machine's network: Unix sockets within a host, TCP between hosts, under the asyncio loop that runs the actors.

Between hosts TLS keeps strangers out, with a certificate at both ends (`Tls`); a Unix socket needs none, because only
its owner can reach it. Without `Tls`, TCP is open to whoever reaches the port: whoever listens so checks in some other
way who is at the other end.

Guarantees: those of `network`; a peer that is slow, silent or hostile costs its own connection's buffers, each with a
named bound, and nobody else's time.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from actorstream.host.addresses import TcpAddress, UnixAddress, read_address
from actorstream.host.delivery import receiver_of
from actorstream.host.listening import WAITING_MAX, SocketFile, listen_tcp, listen_unix
from actorstream.host.logs import logger
from actorstream.host.memory import keep_freed_memory
from actorstream.host.network import Listener, Receiver
from actorstream.host.tls import Tls

if TYPE_CHECKING:
    import asyncio
    import ssl

    from actorstream.host.socket_connection import SocketConnection

CONNECT_SECONDS = 5.0
"""How long a connection may take to be made, in each of its two steps: the socket's, and TLS'."""

CONNECTIONS_MAX = 1024
"""What one listener takes; further ones are closed at once, with a line in the log."""

RETRY_SECONDS = 1.0
"""How long a listener rests when the system has no more files for it."""


class RealNetwork:
    """See the module. Everything is called on the loop's thread, while it runs.

    Raises:
        OSError: a file that `tls` names is missing, or holds something else.
    """

    def __init__(self, tls: Tls | None = None) -> None:
        self._listening = tls.listening() if tls is not None else None
        self._connecting = tls.connecting() if tls is not None else None
        self._attempts: dict[int, asyncio.Task[None]] = {}  # Kept, because a loop forgets tasks that nobody holds.
        self._attempt_count = 0
        keep_freed_memory()

    def listen(self, address: str, accept: Callable[[], Receiver]) -> Listener:
        where = read_address(address)
        if isinstance(where, UnixAddress):
            return RealListener(listen_unix(where), accept, str(where), None, SocketFile(where.path))
        listening = listen_tcp(where)
        here = TcpAddress(where.host, listening.getsockname()[1])
        return RealListener(listening, accept, str(here), self._listening, None)

    def connect(self, address: str, receiver: Receiver) -> None:
        import asyncio  # Here and below, because it takes long to import, and this module is imported by everybody.

        from actorstream.host.socket_connection import SocketConnection

        connection = SocketConnection(receiver, address)
        self._attempt_count = number = self._attempt_count + 1
        attempt = asyncio.get_running_loop().create_task(self._connect(address, connection))
        self._attempts[number] = attempt
        attempt.add_done_callback(partial(self._on_done, number, connection))

    async def _connect(self, address: str, connection: SocketConnection) -> None:
        import asyncio

        try:
            await asyncio.wait_for(self._open(address, connection), 2 * CONNECT_SECONDS)
        except TimeoutError:
            connection.fail(f"cannot connect to {address}: no answer")
        except OSError as error:
            connection.fail(f"cannot connect to {address}: {error.strerror or error}")

    def _on_done(self, number: int, connection: SocketConnection, attempt: asyncio.Task[None]) -> None:
        del self._attempts[number]
        if attempt.cancelled():
            connection.fail(f"cannot connect to {connection.peer}: the loop has ended")

    async def _open(self, address: str, connection: SocketConnection) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        where = read_address(address)
        if isinstance(where, UnixAddress):
            await loop.create_unix_connection(lambda: connection, where.path)
            return
        context = self._connecting
        await loop.create_connection(
            lambda: connection,
            where.host,
            where.port,
            ssl=context,
            server_hostname=where.host if context is not None else None,
            ssl_handshake_timeout=CONNECT_SECONDS if context is not None else None,
        )


class RealListener:
    """A socket that takes connections; see `Listener`."""

    def __init__(
        self,
        listening: socket.socket,
        accept: Callable[[], Receiver],
        address: str,
        context: ssl.SSLContext | None,
        file: SocketFile | None,
    ) -> None:
        import asyncio

        self.address = address
        self._socket, self._accept, self._context, self._file = listening, accept, context, file
        self._loop = asyncio.get_running_loop()
        self._handshakes: dict[int, asyncio.Task[None]] = {}
        self._accepted = self._ended = 0
        self._is_open = True
        self._loop.add_reader(listening, self._on_ready)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._socket)
            if self._file is not None:
                self._file.remove()
            self._socket.close()

    def _on_ready(self) -> None:
        """Take the connections that wait."""
        for _ in range(WAITING_MAX):
            try:
                accepted, where = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # No more files: it would be called again at once, for nothing.
                logger(address=self.address).error("a listener rests", why=error.strerror)
                self._loop.remove_reader(self._socket)
                self._loop.call_later(RETRY_SECONDS, self._resume)
                return
            self._take(accepted, where)

    def _resume(self) -> None:
        if self._is_open:
            self._loop.add_reader(self._socket, self._on_ready)

    def _take(self, accepted: socket.socket, where: object) -> None:
        if self._accepted - self._ended >= CONNECTIONS_MAX:
            logger(address=self.address).warning("a connection too many was closed", connections=CONNECTIONS_MAX)
            accepted.close()
            return
        accepted.setblocking(False)
        self._accepted += 1
        peer = f"tcp:{where[0]}:{where[1]}" if isinstance(where, tuple) else self.address
        handshake = self._loop.create_task(self._shake_hands(accepted, peer))
        self._handshakes[number := self._accepted] = handshake
        handshake.add_done_callback(lambda _: self._handshakes.pop(number, None))

    async def _shake_hands(self, accepted: socket.socket, peer: str) -> None:
        from actorstream.host.socket_connection import SocketConnection

        receiver = receiver_of(self._accept, self.address)
        if receiver is None:
            accepted.close()
            self._on_ended()
            return
        connection = SocketConnection(receiver, peer, self._on_ended)
        timeout = CONNECT_SECONDS if self._context is not None else None
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection, accepted, ssl=self._context, ssl_handshake_timeout=timeout
            )
        except OSError as error:
            connection.fail(f"no connection from {peer}: {error.strerror or error}")

    def _on_ended(self) -> None:
        self._ended += 1
