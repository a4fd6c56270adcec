"""A helper process and everything that comes from it: started together, ended together.

All are one process group, whose number is the helper's. While the helper has not been waited for, nobody else can be
given that number, so that ending the group never hits a stranger.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

from actorstream.actors.engine.helper import START
from actorstream.actors.engine.notes import HelperNotes, pack


class Brood:
    """See the module.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(self, notes: HelperNotes) -> None:
        command = [sys.executable, "-P", "-c", START, *notes.sys_path]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        assert self._process.stdin is not None
        self._stdin = self._process.stdin
        try:
            self._stdin.write(pack(notes))
            self._stdin.flush()  # It stays open: that it is closed tells the helper that this process has ended.
        except BrokenPipeError:
            pass  # It has ended; whoever waits for it will see that.

    @property
    def pid(self) -> int:
        """The number of the helper process, and of the group."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Whether the helper has ended; the others may still be there."""
        return self._process.returncode is not None or _has_ended(self._process)

    def leave(self, seconds: float) -> None:
        """Let all of them end in their own way; whoever still lives after so many seconds is ended."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.end()

    def end(self) -> None:
        """End all of them, and wait for the helper."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # Nobody is left, in the words of two systems.
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._process.wait()

    def forget(self) -> None:
        """Let go of the pipe, in a copy of this process that is no part of the engine."""
        with contextlib.suppress(OSError):
            os.close(self._stdin.fileno())


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Look without waiting for it, where that can be done, so that its number stays taken."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
