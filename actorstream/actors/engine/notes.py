"""What the driver, the helper process, the warden and the nodes say to each other, and how it is cut into frames.

A frame is its length, four bytes, the greatest first, and msgpack. Guarantees: whatever arrives is checked before it
is used, and nobody makes a reader keep more than `FRAME_BYTES_MAX`. Leaves to others: sockets.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

FRAME_BYTES_MAX = 4 * 1024 * 1024
"""The longest note. The longest real one is an order with a long `sys.path`, or the stack of a hung handler."""

CHALLENGE_BYTES = 32
"""The length of what a caller must sign before it is believed."""


class Note(msgspec.Struct, frozen=True, tag=True):
    """What all notes have in common."""


class HelperNotes(Note, frozen=True):
    """What the helper process is told when it starts, on its standard input.

    Attributes:
        directory: the run directory; everything that is written goes there.
        address: where the driver listens.
        token: what proves to the driver that a caller belongs to it.
        entry: what a node runs, as "module:function".
        sys_path: where modules are found.
        capabilities: of this host, for Thespian.
        port: of Thespian's admin; 0 is any free one.
        base_address: the address that Thespian binds to.
        convention: whether there may be other hosts.
        secret_file: on a member host, the file with the cluster's secret.
        tls_files: on a member host, its own certificate, key and authority, if it has been told of them.
    """

    directory: str
    address: str
    token: bytes
    entry: str
    sys_path: list[str]
    capabilities: dict[str, Any] = {}
    port: int = 0
    base_address: str = "127.0.0.1"
    convention: bool = False
    secret_file: str = ""
    tls_files: list[str] = []


class Challenge(Note, frozen=True):
    """From the driver to whoever calls it."""

    bits: bytes


class Hello(Note, frozen=True):
    """A caller's first note: what it is, and that it knows the token.

    Attributes:
        proof: see `prove`.
        role: "helper", "warden" or "node".
        number: of a node; else 0.
        pid: of the process, on its host.
        host: the name of its host.
    """

    proof: bytes
    role: str
    number: int
    pid: int
    host: str


class StartNode(Note, frozen=True):
    """To the warden: make a process, and give it this birth."""

    number: int
    birth: bytes
    requirements: dict[str, Any]


class Birth(Note, frozen=True):
    """What a node's process is told by the warden, through Thespian.

    Attributes:
        number: of the node.
        address: where the driver listens.
        token: what proves that it belongs to the driver; empty on another host, which knows it from a file.
        directory: the run directory; empty on another host, where the process group is not the driver's either.
        entry: what it runs, as "module:function".
        order: what that function is given.
        silence_seconds: how long the driver's system may be silent before the connection to it has ended.
    """

    number: int
    address: str
    token: bytes
    directory: str
    entry: str
    order: bytes
    silence_seconds: int


class NodeGone(Note, frozen=True):
    """From the warden: the process of this node has ended, or could not be made."""

    number: int
    why: str


class HostsChanged(Note, frozen=True):
    """From the warden: the other hosts that there are, by the address of their admin, and what they have."""

    hosts: dict[str, dict[str, Any]]


class Hung(msgspec.Struct, frozen=True):
    """A handler that did not come back.

    Attributes:
        path: of its actor.
        handler: the name of the message's type.
        seconds: how long it had been running.
        stack: where it was.
    """

    path: str
    handler: str
    seconds: float
    stack: str


class LastWords(Note, frozen=True):
    """From a node, before it ends itself: why, for people; and `hung`, if that is why."""

    why: str
    hung: Hung | None = None


class Die(Note, frozen=True):
    """To a node on another host: end at once."""


AnyNote = HelperNotes | Challenge | Hello | StartNode | Birth | NodeGone | HostsChanged | LastWords | Die

_decoder: msgspec.msgpack.Decoder[AnyNote] = msgspec.msgpack.Decoder(AnyNote)


class BadNote(ValueError):
    """Bytes that are no note; whoever sent them is not one of us."""


def pack(note: Note) -> bytes:
    """The note, in a frame."""
    body = msgspec.msgpack.encode(note)
    return len(body).to_bytes(4, "big") + body


def unpack(body: bytes) -> AnyNote:
    """The note in a frame.

    Raises:
        BadNote: it is none.
    """
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadNote(f"{len(body)} bytes are no note") from error


class Frames:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[AnyNote]:
        """The notes that are complete with `data`.

        Raises:
            BadNote: see there.
        """
        self._buffer += data
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[:4], "big")
            if size > FRAME_BYTES_MAX:
                raise BadNote(f"a note of {size} bytes")
            if len(self._buffer) < 4 + size:
                return
            body = bytes(self._buffer[4 : 4 + size])
            del self._buffer[: 4 + size]
            yield unpack(body)


def prove(token: bytes, challenge: bytes) -> bytes:
    """What only somebody who knows `token` can answer to `challenge`."""
    return hmac.digest(token, challenge, "sha256")


def is_proved(token: bytes, challenge: bytes, proof: bytes) -> bool:
    """Whether `proof` answers `challenge`."""
    return hmac.compare_digest(prove(token, challenge), proof)


class HostInfo(NamedTuple):
    """Another host that has joined.

    Attributes:
        name: of the host; nodes for it are asked for with the requirement `{"host": name}`.
        address: of the host, where its nodes listen.
        member: of this life of the host's member program; no other one has it.
        nodes: how many nodes it offers.
        capabilities: what it says that it has.
    """

    name: str
    address: str
    member: str
    nodes: int
    capabilities: dict[str, Any]
