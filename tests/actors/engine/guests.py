"""What nodes run in the tests of the engine: it does what its order says, and no more."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from actorstream.actors.engine import Busy

ENTRY = f"{__name__}:start"


class Deed(msgspec.Struct, frozen=True):
    """What a node is to do: "live", "raise", "end", "hang", or "breed" (start a process of its own)."""

    number: int
    deed: str = "live"
    secret: bytes = b""
    note: str = ""


@dataclass
class Guest:
    """A loop that does its deed."""

    deed: Deed
    end: Callable[[str], None]
    since: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        assert thread.ident is not None
        self.thread_id = thread.ident

    def run(self) -> None:
        if self.deed.deed == "end":
            self.end("it was told to")
        if self.deed.deed == "breed":
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        if self.deed.note:
            Path(self.deed.note).write_bytes(self.deed.secret or b"-")
        spin_for_ever()

    def busy(self) -> Busy | None:
        if self.deed.deed != "hang":
            return None
        return Busy("desk/greeter", "Greet", int((time.monotonic() - self.since) * 1e6), hang_after_us=200_000)


def spin_for_ever() -> None:
    while True:
        time.sleep(600)


def start(order: bytes, end: Callable[[str], None]) -> Guest:
    """What the engine calls in a node's process."""
    deed = msgspec.msgpack.decode(order, type=Deed)
    if deed.deed == "raise":
        raise RuntimeError("no node today")
    return Guest(deed, end)
