"""The helper process: it makes Thespian's actor system, and then only waits for the driver to go.

The user's process never imports Thespian and is never forked: this one is started anew, so that it has no threads,
and what the user's program does when it is imported does not happen again. Leaves to others: everything after the
start (the warden).
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

from actorstream.actors.engine.calls import HOST, SECRET_FILE, TLS_FILES, call
from actorstream.actors.engine.ending import end_group
from actorstream.actors.engine.notes import FRAME_BYTES_MAX, HelperNotes, unpack
from actorstream.actors.engine.ports import free_port

START = "import sys; sys.path[:] = sys.argv[1:]; from actorstream.actors.engine.helper import main; main()"
"""What a new Python runs, with the paths of modules as its arguments, to become the helper process."""

STDIN = 0

REGISTRATION_PERIOD = "0:10"
"""How often a member host registers with the leader, as Thespian reads it: minutes and seconds."""


def main() -> None:
    """Be the helper process."""
    notes = _read_notes()
    _prepare(notes)
    from thespian.actors import ActorSystem

    from actorstream.actors.engine.warden import Warden, load, packed

    load(notes.entry)  # Before the fork, so that no node has to.
    capabilities = {**notes.capabilities, "Admin Port": notes.port or free_port(notes.base_address)}
    system = ActorSystem("multiprocTCPBase", capabilities, logDefs=LOGGING)
    try:
        if notes.address:
            system.tell(system.createActor(Warden), packed(notes))
            call(notes.address, notes.token, "helper", 0)
        _wait_for_end()
        if not notes.address:
            _say_goodbye(system, notes.directory)
    finally:
        end_group(notes.directory)


def _say_goodbye(system: Any, directory: str) -> None:
    """Let the other hosts know that this one leaves; not for long."""
    limit = threading.Timer(GOODBYE_SECONDS, end_group, (directory,))
    limit.daemon = True
    limit.start()
    system.shutdown()


GOODBYE_SECONDS = 2.0
"""How long Thespian may take to leave the convention."""

LOGGING = {
    "version": 1,
    "formatters": {"plain": {"format": "thespian: %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "level": "ERROR"}},
    "root": {"handlers": ["stderr"], "level": "ERROR"},
    "disable_existing_loggers": False,
}
"""What Thespian itself has to say."""


def _read_notes() -> HelperNotes:
    size = int.from_bytes(_read(4), "big")
    if size > FRAME_BYTES_MAX:
        sys.exit("the driver said too much")
    notes = unpack(_read(size))
    assert isinstance(notes, HelperNotes)
    return notes


def _read(size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = os.read(STDIN, size - len(data))
        if not more:
            sys.exit(0)  # The driver has gone already.
        data += more
    return data


def _prepare(notes: HelperNotes) -> None:
    """Set what Thespian reads when it is imported."""
    os.environ[HOST] = str(notes.capabilities["host"])
    if notes.secret_file:
        os.environ[SECRET_FILE] = notes.secret_file
    if notes.tls_files:
        os.environ[TLS_FILES] = json.dumps(notes.tls_files)
    os.environ["CONVENTION_REREGISTRATION_PERIOD"] = os.environ["CONVENTION_RESTART_PERIOD"] = REGISTRATION_PERIOD
    os.environ["THESPIAN_BASE_IPADDR"] = notes.base_address
    os.environ["THESPLOG_FILE"] = os.path.join(notes.directory, "thespian.log")
    os.environ["THESPLOG_THRESHOLD"] = "ERROR"
    # Thespian's admin would leave the process group with this, if there were such a function (see `ending`).
    del os.setsid


def _wait_for_end() -> None:
    """Wait until the driver's end of the standard input is closed, which its death does too."""
    while os.read(STDIN, 1):
        pass
