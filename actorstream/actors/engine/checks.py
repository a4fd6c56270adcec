"""What has to be right before a host takes part with others, looked at early, and told in one line."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

SECRET_BYTES_MIN = 16
"""The shortest secret: a shorter one could be guessed from what is heard of a connection."""

SECRET_BYTES_MAX = 4_096
"""The longest."""


def read_secret(secret: bytes | str | PathLike[str]) -> bytes:
    """A secret, or what a file holds of one; white space around it does not count.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is too short, or too long.
    """
    if isinstance(secret, bytes):
        found, where = secret.strip(), "the secret"
    else:
        with Path(secret).open("rb") as file:
            found, where = file.read(SECRET_BYTES_MAX + 1).strip(), str(secret)
    if not SECRET_BYTES_MIN <= len(found) <= SECRET_BYTES_MAX:
        raise ValueError(
            f"{where} has {len(found)} bytes; a secret has {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX}: "
            "make one with openssl rand -hex 32"
        )
    return found


def check_address(address: str, port: int) -> None:
    """Whether this host can listen there.

    Raises:
        OSError: it is another host's address, or the port is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise OSError(error.errno, f"cannot listen at {address}:{port}: {error.strerror}") from None


def check_files(files: Sequence[str]) -> None:
    """Whether they can be read.

    Raises:
        OSError: one cannot.
    """
    for file in files:
        Path(file).open("rb").close()
