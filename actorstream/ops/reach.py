"""The way to the log of a data directory, for the length of a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from actorstream.errors import BadInput

if TYPE_CHECKING:
    from actorstream.log.client import Transport
    from actorstream.model.topic import TopicSpec


@contextmanager
def reached(data: str, *, create: bool = False) -> Iterator[Transport]:
    """The log in `data`: in this process, or through the one that holds the directory.

    Raises:
        BadInput: there is no such directory, and `create` is false.
        DirectoryInUse, Corrupt, UnsupportedFormat: see `open_transport`.
    """
    from actorstream.log.client import open_transport

    check_directory(data, create=create)
    transport = open_transport(data, create=create)
    try:
        yield transport
    finally:
        transport.close()


def find(transport: Transport, topic: str) -> TopicSpec:
    """A topic that a person may change.

    Raises:
        UnknownTopic: there is none of this name.
        BadInput: it is one of the log's own, or of a job's.
    """
    from actorstream.log.client import describe_topic

    spec = describe_topic(transport, topic).spec
    if spec.internal:
        raise BadInput(f"topic {topic!r} is one of the log's own; what is in it is written by jobs and groups alone")
    return spec


def check_directory(data: str, *, create: bool) -> None:
    """Refuse what is no data directory before anything is written into it.

    Raises:
        BadInput: it is not there and must be, or it is not a data directory but has something in it.
    """
    path = Path(data)
    if not path.is_dir():
        if create and not path.exists():
            return
        reason = "it is a file" if path.exists() else "it does not exist"
        raise BadInput(f"{data} is no data directory: {reason}; say where the data are with --data DIR")
    if not (path / "LOCK").exists() and any(path.iterdir()):
        raise BadInput(
            f"{data} is no data directory: it has other things in it; say where the data are with --data DIR"
        )
    if not create and not (path / "LOCK").exists():
        raise BadInput(f"{data} is an empty directory; say where the data are with --data DIR")
