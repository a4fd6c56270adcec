"""Connections between the processes of an engine: a stream socket that carries notes.

Every process of an engine keeps one to the driver for as long as it lives. So the end of a connection is the end of
a process: the driver learns of a node's, and the others of the driver's, even if it was by SIGKILL.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator

from actorstream.actors.engine.notes import AnyNote, BadNote, Challenge, Frames, Hello, Note, pack, prove

UNIX = "unix:"
TCP = "tcp:"

TLS_FILES = "ACTORSTREAM_TLS_FILES"
"""The environment variable that says, as JSON, where a member host keeps its certificate, key and authority."""

HOST = "ACTORSTREAM_HOST"
"""The environment variable that gives a host another name than its own."""

SECRET_FILE = "ACTORSTREAM_SECRET_FILE"
"""The environment variable that says where a member host keeps the cluster's secret."""

SILENCE_SECONDS = 5
"""How long the system of another host may be silent before the connection has ended, on both sides, if not told."""

CONNECT_SECONDS = 5.0
"""How long a connection may take, with all its attempts."""

SEND_SECONDS = 5.0
"""How long the other side may take to read a note."""

READ_BYTES = 65_536
"""How much is read at once."""


class Call:
    """One side of a connection. A child that is forked from this process does not have it.

    Args:
        connection: a stream socket.
        silence_seconds: how long the system of another host may be silent.

    Raises:
        OSError: from every method: the connection has ended.
    """

    def __init__(self, connection: socket.socket, silence_seconds: int = SILENCE_SECONDS) -> None:
        connection.settimeout(SEND_SECONDS)
        if connection.family != socket.AF_UNIX:
            _notice_silence(connection, silence_seconds)
        self._connection = connection
        self._frames = Frames()

    def fileno(self) -> int:
        """For select."""
        return self._connection.fileno()

    def send(self, note: Note) -> None:
        """Send a note."""
        self._connection.sendall(pack(note))

    def receive(self) -> Iterator[AnyNote]:
        """Wait until something arrives, and give the notes that are complete.

        Raises:
            EOFError: the other side has ended.
            BadNote: it is none of us.
        """
        data = self._connection.recv(READ_BYTES)
        if not data:
            raise EOFError
        yield from self._frames.feed(data)

    def wait_end(self, seconds: float) -> bool:
        """Wait until the other side has ended; what it still says is not read. Whether it has."""
        try:
            self._connection.settimeout(seconds)
            while self._connection.recv(READ_BYTES):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def listen(address: str) -> socket.socket:
    """Listen at "unix:path" or "tcp:host:port".

    Raises:
        OSError: it cannot be.
        ValueError: it is no address.
    """
    family, where = parse_address(address)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.bind(where)
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener


def call(address: str, token: bytes, role: str, number: int, silence_seconds: int = SILENCE_SECONDS) -> Call:
    """Call the driver and say who this is. On this host it answers at once, or never: then its process has gone.

    Raises:
        OSError: it does not answer.
    """
    from tenacity import (  # The driver never calls.
        Retrying,
        retry_if_exception_type,
        stop_after_delay,
        wait_exponential,
    )

    for attempt in Retrying(
        retry=retry_if_exception_type(OSError),
        wait=wait_exponential(multiplier=0.02, max=0.5),
        stop=stop_after_delay(0 if address.startswith(UNIX) else CONNECT_SECONDS),
        reraise=True,
    ):
        with attempt:
            return _call(address, token, role, number, silence_seconds)
    raise AssertionError("not reached")


def parse_address(address: str) -> tuple[int, str | tuple[str, int]]:
    """The family of an address, and what its sockets take.

    Raises:
        ValueError: it is no address.
    """
    if address.startswith(UNIX):
        return socket.AF_UNIX, address.removeprefix(UNIX)
    host, colon, port = address.removeprefix(TCP).rpartition(":")
    if not address.startswith(TCP) or not colon or not host or not port.isascii() or not port.isdigit():
        raise ValueError(f"{address!r} is no address; it is like unix:/a/path or tcp:10.0.0.1:7000")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return family, (host.strip("[]"), int(port))


def forget_when_forked(close: Callable[[], None]) -> None:
    """Call `close` in every child that is forked: a copy there would hide that this process has ended."""
    os.register_at_fork(after_in_child=close)


def _notice_silence(connection: socket.socket, seconds: int) -> None:
    """Let the two systems ask each other every second whether they are there."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    names = {"TCP_KEEPIDLE": 1, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": max(1, seconds - 1)}
    for name, value in {**names, "TCP_USER_TIMEOUT": seconds * 1000}.items():
        if hasattr(socket, name):  # Not every system has all of them.
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _call(address: str, token: bytes, role: str, number: int, silence_seconds: int) -> Call:
    family, where = parse_address(address)
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(CONNECT_SECONDS)
        connection.connect(where)
        made = Call(connection, silence_seconds)
        challenge = next(made.receive(), None)
        if not isinstance(challenge, Challenge):
            raise ConnectionError("the other side is not the driver")
        proof = prove(token, challenge.bits)
        made.send(Hello(proof, role, number, os.getpid(), os.environ.get(HOST) or socket.gethostname()))
    except (EOFError, BadNote) as error:
        connection.close()
        raise ConnectionError("the other side is not the driver") from error
    except BaseException:
        connection.close()
        raise
    forget_when_forked(made.close)
    return made
