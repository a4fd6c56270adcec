"""A host that offers nodes to the driver of another one: `actorstream node`.

It runs Thespian's actor system as a member of the convention that the driver's host leads. Guarantees: on SIGTERM,
on Ctrl-C, or when the leader has been away for `LEADER_SECONDS`, all nodes here end and nothing is left. Leaves to
others: whether a node lives (its connections to the driver say that, in seconds; the convention needs far longer).

Thespian runs code from what it receives, without asking who sent it. So its ports belong into a network where every
host is trusted; the secret protects the driver's connections and those between nodes, and not Thespian's own.
"""

from __future__ import annotations

import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from actorstream.actors.engine.brood import Brood
from actorstream.actors.engine.checks import check_address, check_files, read_secret
from actorstream.actors.engine.ending import remove
from actorstream.actors.engine.helper import GOODBYE_SECONDS
from actorstream.actors.engine.hosts import offer
from actorstream.actors.engine.member_arguments import MemberSettings, parse
from actorstream.actors.engine.notes import HelperNotes
from actorstream.actors.engine.thespian_engine import ENTRY
from actorstream.host import secret_bytes

LOOK_SECONDS = 2.0
"""How often a member looks whether the leader is there."""

LEADER_SECONDS = 60.0
"""How long the leader may be away before a member leaves."""

PROBE_SECONDS = 1.0
"""How long the leader may take to accept a connection."""


def notes_of(settings: MemberSettings, secret: bytes, directory: str) -> HelperNotes:
    """What the helper process is told."""
    leader = f"{settings.join[0]}:{settings.join[1]}"
    own = offer(secret, settings.name, settings.address, secret_bytes(16).hex(), settings.nodes)
    return HelperNotes(
        directory=directory,
        address="",
        token=b"",
        entry=settings.entry or ENTRY,
        sys_path=[path or str(Path.cwd()) for path in sys.path],
        capabilities={**settings.capabilities, **own, "Convention Address.IPv4": leader},
        port=settings.port,
        base_address=settings.address,
        convention=True,
        secret_file=str(Path(settings.secret_file).resolve()),
        tls_files=[str(Path(file).resolve()) for file in settings.tls_files],
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


def main(arguments: Sequence[str]) -> int:
    """Offer nodes until it is time to leave; the exit status."""
    return run(parse(arguments))


def run(settings: MemberSettings) -> int:
    """Offer nodes until it is time to leave; the exit status: 0 if somebody asked for it, 1 if not, 2 for a mistake."""
    try:
        secret = read_secret(settings.secret_file)
        check_address(settings.address, settings.port)
        check_files(settings.tls_files)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    asked = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    directory = tempfile.mkdtemp(prefix="actorstream-member-")
    sys.stderr.write(f"{settings.name} offers {settings.nodes} nodes to {settings.join[0]}:{settings.join[1]}\n")
    try:
        brood = Brood(notes_of(settings, secret, directory))
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
