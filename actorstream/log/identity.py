"""`partition.json {format, topic_id}`: which topic a directory belongs to, and whether this version can read it."""

from __future__ import annotations

import msgspec

from actorstream.errors import Corrupt, UnsupportedFormat
from actorstream.host import Disk
from actorstream.host.disk import make_durable_dir, read_bytes, replace_bytes
from actorstream.log.undecodable import UNDECODABLE

FILE = "partition.json"
FORMAT = 1


class _Format(msgspec.Struct):
    format: int


class _Identity(msgspec.Struct):
    format: int
    topic_id: str


def check_identity(disk: Disk, directory: str, topic_id: str) -> None:
    """Make the directory if it is not there, and make sure that it is this topic's.

    Raises:
        UnsupportedFormat: a newer version wrote it.
        Corrupt: it belongs to another topic, or does not say.
    """
    path = f"{directory}/{FILE}"
    if disk.exists(path):
        found = stored_topic_id(disk, directory)
        if found != topic_id:
            raise Corrupt(disk.show(path), 0, f"the directory belongs to topic id {found!r}, not {topic_id!r}")
        return
    if any(name.endswith(".log") for name in disk.list(directory)):
        raise Corrupt(disk.show(path), 0, "the file is missing, but there are segments")
    make_durable_dir(disk, directory)
    replace_bytes(disk, path, msgspec.json.encode(_Identity(FORMAT, topic_id)))


def stored_topic_id(disk: Disk, directory: str) -> str | None:
    """The topic that a directory belongs to; None if there is no such directory, or it was never finished.

    Raises:
        UnsupportedFormat: a newer version wrote it.
        Corrupt: the file cannot be read.
    """
    path = f"{directory}/{FILE}"
    if not disk.exists(path):
        return None
    data = read_bytes(disk, path)
    try:
        version = msgspec.json.decode(data, type=_Format).format
        if version > FORMAT:
            raise UnsupportedFormat(disk.show(path), version, FORMAT)
        return msgspec.json.decode(data, type=_Identity).topic_id
    except UNDECODABLE as error:
        raise Corrupt(disk.show(path), 0, str(error)) from None
