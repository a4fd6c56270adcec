"""A picture of the actors of the process that holds a data directory, asked for through its socket."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from actorstream.errors import BadInput
from actorstream.log.frames import ActorsDescribed, DescribeActors
from actorstream.log.remote import ConnectionLost, RemoteTransport


def describe_actors(directory: str | os.PathLike[str]) -> dict[str, Any]:
    """The tree of actors, and counts of what went wrong, as `ActorSystem.picture` gives them.

    Raises:
        BadInput: no process holds the directory.
        AskTimeout: it does not answer.
    """
    try:
        transport = RemoteTransport.connect(directory)
    except ConnectionLost:
        raise BadInput(
            f"nothing runs in {directory}; start a job there, or say where one runs with --data DIR"
        ) from None
    try:
        answer = transport.wait(transport.ask_future("catalogue", DescribeActors()))
    finally:
        transport.close()
    assert isinstance(answer, ActorsDescribed)
    picture: dict[str, Any] = msgspec.json.decode(answer.picture)
    return picture
