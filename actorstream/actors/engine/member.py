"""A host that offers nodes to the driver of another one: `python -m actorstream.actors.engine.member`.

It runs Thespian's actor system as a member of the convention that the driver's host leads. Guarantees: on SIGTERM,
on Ctrl-C, or when the leader has been away for `LEADER_SECONDS`, all nodes here end and nothing is left. Leaves to
others: whether a node lives (its connections to the driver say that, in seconds; the convention needs far longer).

Thespian runs code from what it receives, without asking who sent it. So its ports belong into a network where every
host is trusted; the secret protects the driver's connections and those between nodes, and not Thespian's own.
"""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from actorstream.actors.engine.brood import Brood
from actorstream.actors.engine.calls import TCP, parse_address
from actorstream.actors.engine.ending import remove
from actorstream.actors.engine.helper import GOODBYE_SECONDS
from actorstream.actors.engine.notes import HelperNotes
from actorstream.actors.engine.thespian_engine import ENTRY

LOOK_SECONDS = 2.0
"""How often a member looks whether the leader is there."""

LEADER_SECONDS = 60.0
"""How long the leader may be away before a member leaves."""

PROBE_SECONDS = 1.0
"""How long the leader may take to accept a connection."""


class MemberSettings(NamedTuple):
    """What a member is told.

    Attributes:
        join: the leader's address and port.
        address: of this host, for others.
        port: where Thespian's admin listens; 0 is any free one.
        name: of this host, unlike any other's.
        nodes: how many it offers.
        secret_file: holds what the leader's driver knows too.
        capabilities: what this host has.
        entry: what its nodes load beforehand, as "module:function".
    """

    join: tuple[str, int]
    address: str
    port: int
    name: str
    nodes: int
    secret_file: str
    capabilities: dict[str, Any]
    entry: str = ENTRY

    def notes(self, directory: str) -> HelperNotes:
        """What the helper process is told."""
        leader = f"{self.join[0]}:{self.join[1]}"
        own = {"host": self.name, "nodes": self.nodes, "Convention Address.IPv4": leader}
        return HelperNotes(
            directory=directory,
            address="",
            token=b"",
            entry=self.entry,
            sys_path=[path or str(Path.cwd()) for path in sys.path],
            capabilities={**self.capabilities, **own},
            port=self.port,
            base_address=self.address,
            convention=True,
            secret_file=str(Path(self.secret_file).resolve()),
        )


class Patience:
    """How long the leader has been away, and whether that is too long."""

    def __init__(self, looks_max: int = int(LEADER_SECONDS / LOOK_SECONDS)) -> None:
        self._looks_max = looks_max
        self._missed = 0

    def is_over(self, leader_is_there: bool) -> bool:
        """Somebody has looked: whether to leave."""
        self._missed = 0 if leader_is_there else self._missed + 1
        return self._missed > self._looks_max


def parse(arguments: Sequence[str]) -> MemberSettings:
    """What the command line says; what cannot be understood is told, and ends the program."""
    parser = argparse.ArgumentParser(prog="actorstream.actors.engine.member", description="Offer nodes to a driver.")
    parser.add_argument("--join", required=True, type=_address, metavar="HOST:PORT", help="the driver's host")
    parser.add_argument("--address", required=True, help="this host's address, for the others")
    parser.add_argument("--port", type=int, default=0, help="where to listen; any free port by default")
    parser.add_argument("--name", default=socket.gethostname(), help="this host's name")
    parser.add_argument("--nodes", type=int, default=1, help="how many nodes to offer")
    parser.add_argument("--secret-file", required=True, help="the file with the cluster's secret")
    parser.add_argument(
        "--capability", action="append", default=[], type=_capability, metavar="NAME=VALUE", help="what this host has"
    )
    parser.add_argument("--entry", default=ENTRY, help=argparse.SUPPRESS)
    said = vars(parser.parse_args(arguments))
    return MemberSettings(capabilities=dict(said.pop("capability")), **said)


def main(arguments: Sequence[str]) -> int:
    """Offer nodes until it is time to leave; the exit status: 0 if somebody asked for it."""
    settings = parse(arguments)
    if not Path(settings.secret_file).read_bytes().strip():
        sys.exit(f"{settings.secret_file} holds no secret")
    asked = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    directory = tempfile.mkdtemp(prefix="actorstream-member-")
    try:
        brood = Brood(settings.notes(directory))
        try:
            why = _wait(settings, brood, asked)
        finally:
            brood.leave(GOODBYE_SECONDS + LOOK_SECONDS)
    finally:
        remove(directory)
    if why:
        sys.stderr.write(f"left: {why}\n")
    return 1 if why else 0


def _wait(settings: MemberSettings, brood: Brood, asked: threading.Event) -> str:
    """Wait until it is time to leave; why, unless somebody asked for it."""
    patience = Patience()
    while not asked.wait(LOOK_SECONDS):
        if brood.has_ended():
            return "its helper process ended"
        if patience.is_over(_is_there(settings.join)):
            return f"nobody at {settings.join[0]}:{settings.join[1]} for {LEADER_SECONDS:g} s"
    return ""


def _is_there(leader: tuple[str, int]) -> bool:
    try:
        socket.create_connection(leader, timeout=PROBE_SECONDS).close()
    except OSError:
        return False
    return True


def _address(text: str) -> tuple[str, int]:
    _, where = parse_address(TCP + text)
    assert isinstance(where, tuple)
    return where


def _capability(text: str) -> tuple[str, str | int | float]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not like gpu=1")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
