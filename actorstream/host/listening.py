"""Sockets that take connections: made at once, on the thread of the loop, so that the address is known or refused.

Guarantees: a Unix socket can be reached by its owner alone from its first moment; what a dead process left at its path
is replaced, what a living one holds, or anything else, never is; on closing, only its own file is removed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat

from actorstream.host.addresses import TcpAddress, UnixAddress

WAITING_MAX = 128
"""How many connections the system keeps until they are taken."""


def listen_unix(address: UnixAddress) -> socket.socket:
    """A socket at this path.

    Raises:
        OSError: somebody listens there, or the file is something else, or the directory is missing.
    """
    path = address.path
    _remove_stale(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(path)
        os.chmod(path, 0o600)  # Before it listens: until then nobody can connect.
        return _start(listening)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"cannot listen at {address}: {error.strerror}") from None


def listen_tcp(address: TcpAddress) -> socket.socket:
    """A socket at this port of this host.

    Raises:
        OSError: the host is unknown, or not this one, or the port is taken.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise OSError(error.errno, f"cannot listen at {address}: {error.strerror}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        return _start(listening)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"cannot listen at {address}: {error.strerror}") from None


class SocketFile:
    """The file of a Unix socket that listens: remembered, so that nobody else's is removed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._identity = _identity(path)

    def remove(self) -> None:
        """Remove it, if it is still there and still ours."""
        if _identity(self._path) == self._identity:
            with contextlib.suppress(OSError):
                os.unlink(self._path)


def _start(listening: socket.socket) -> socket.socket:
    listening.listen(WAITING_MAX)
    listening.setblocking(False)
    return listening


def _remove_stale(path: str) -> None:
    """Remove a socket at which nobody listens."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise OSError(errno.EADDRINUSE, f"cannot listen at unix:{path}: there is a file that is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        if probe.connect_ex(path) != errno.ECONNREFUSED:
            raise OSError(errno.EADDRINUSE, f"cannot listen at unix:{path}: another process does")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
