"""Addresses of processes: `unix:/path/of/socket` and `tcp:host:port`, read strictly."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

PATH_BYTES_MAX = 100
"""Longer paths do not fit an address of a Unix socket (104 to 108 bytes, by system)."""


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket that is a file."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A port of a host; port 0, when listening, is any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"tcp:[{self.host}]:{self.port}" if ":" in self.host else f"tcp:{self.host}:{self.port}"


def read_address(text: str) -> UnixAddress | TcpAddress:
    """What an address says.

    Raises:
        OSError: it is none, or its path is too long for a socket; the text says what to write instead.
    """
    kind, _, rest = text.partition(":")
    if kind == "unix" and rest:
        return _unix(rest)
    host, _, port = rest.rpartition(":")
    if kind == "tcp" and host and port.isascii() and port.isdigit() and int(port) < 65536:
        return TcpAddress(host.removeprefix("[").removesuffix("]"), int(port))
    raise OSError(errno.EINVAL, f"not an address: {text!r} (write unix:/path/of/socket or tcp:host:port)")


def _unix(path: str) -> UnixAddress:
    size = len(os.fsencode(path))
    if size > PATH_BYTES_MAX:
        why = f"a socket's path of {size} bytes is too long (at most {PATH_BYTES_MAX}; choose a shorter one): {path}"
        raise OSError(errno.ENAMETOOLONG, why)
    return UnixAddress(path)
