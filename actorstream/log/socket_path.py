"""Where the socket of a data directory is: `DIR/socket`, or, if that is too long a path, a short one noted there."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

SOCKET = "socket"
NOTE = "socket.path"

PATH_BYTES_MAX = 100
"""Longer paths do not fit an address of a Unix socket (104 to 108 bytes, by system)."""


def new_socket_path(directory: Path) -> Path:
    """Where to listen; nothing is there. Whoever calls this holds the directory."""
    remove_socket(directory)
    path = directory / SOCKET
    if len(os.fsencode(path)) <= PATH_BYTES_MAX:
        return path
    short = Path(tempfile.mkdtemp(prefix="actorstream-")) / SOCKET  # Nobody else can enter that.
    (directory / NOTE).write_text(str(short))
    return short


def find_socket(directory: Path) -> Path:
    """Where to connect; whether somebody listens, only trying can tell."""
    try:
        return Path((directory / NOTE).read_text())
    except OSError:
        return directory / SOCKET


def remove_socket(directory: Path) -> None:
    """Remove the socket, and the note that says where it is."""
    path = find_socket(directory)
    with contextlib.suppress(OSError):
        path.unlink()
    if path.parent != directory:
        shutil.rmtree(path.parent, ignore_errors=True)
        with contextlib.suppress(OSError):
            (directory / NOTE).unlink()
