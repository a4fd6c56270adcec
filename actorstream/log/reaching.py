"""Reaching the log of a data directory: here if nobody holds it, else through the process that does."""

from __future__ import annotations

import os
import threading

from actorstream.errors import DirectoryInUse
from actorstream.log.holding import EmbeddedLog
from actorstream.log.remote import ConnectionLost, RemoteTransport
from actorstream.log.transport import Transport

DEFAULT_DATA = "./actorstream-data"

ATTEMPTS = 100
"""How often to try while the holder is starting or ending: it has the lock, and no socket."""

PAUSE_SECONDS = 0.1


def open_transport(data: str | os.PathLike[str] = DEFAULT_DATA, *, create: bool = True) -> Transport:
    """A way to the log in `data`; close it when done.

    Raises:
        DirectoryInUse: another process holds the directory and does not answer.
        BadInput: it is not there and `create` is false, or it cannot be a directory.
        Corrupt, UnsupportedFormat: it cannot be opened.
    """
    pause = threading.Event()  # Nobody sets it.
    for _ in range(ATTEMPTS - 1):
        try:
            return _try(data, create)
        except (ConnectionLost, DirectoryInUse):
            pause.wait(PAUSE_SECONDS)
    return EmbeddedLog.open_client(data, create=create)


def _try(data: str | os.PathLike[str], create: bool) -> Transport:
    try:
        return EmbeddedLog.open_client(data, create=create)
    except DirectoryInUse:
        return RemoteTransport.connect(os.path.realpath(data))
