"""A node's thread that keeps the connection to the driver, and looks whether a handler hangs.

Guarantees: when the driver or the node's parent process has gone, this process ends at once, even while its loop
hangs (except in C code that holds the interpreter's lock; then others of its group end it). When a handler takes
longer than its `hang_after`, the driver is told where it was, and the process ends.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import traceback
from typing import Protocol

from actorstream.actors.engine.calls import Call
from actorstream.actors.engine.ending import end_group, end_process
from actorstream.actors.engine.notes import BadNote, Die, Hung, LastWords
from actorstream.actors.engine.watchdog import LOOK_SECONDS, Busy, Verdict, Watchdog
from actorstream.host.logs import logger

STACK_CHARS_MAX = 65_536
"""How much of the stack of a hung handler is told: the innermost part."""

WHY_CHARS_MAX = 65_536
"""How much is told of why a node ends: the last part, where a traceback names the error."""


class NodeProcess(Protocol):
    """What runs in a node's process, on a thread of its own."""

    @property
    def thread_id(self) -> int:
        """The identifier of the thread on which handlers run."""
        ...

    def busy(self) -> Busy | None:
        """What handler runs now, and for how long; None if the loop waits. Called from another thread, often."""
        ...


class Lifeline:
    """See the module.

    Args:
        call: the connection to the driver.
        directory: the run directory, if the whole process group is the driver's; otherwise empty.
    """

    def __init__(self, call: Call, directory: str) -> None:
        self._call = call
        self._directory = directory
        self._parent = os.getppid()
        self._watchdog = Watchdog()
        self._process: NodeProcess | None = None

    def start(self) -> None:
        """Watch the driver from now on."""
        threading.Thread(target=self._run, name="actorstream-lifeline", daemon=True).start()

    def watch(self, process: NodeProcess) -> None:
        """Look whether handlers of this process hang, too."""
        self._process = process

    def end(self, why: str) -> None:
        """Tell the driver why, and end this process. Called from any thread; does not return."""
        self._say(LastWords(why[-WHY_CHARS_MAX:]))
        end_process()

    def _run(self) -> None:
        try:
            while True:
                if select.select([self._call], [], [], LOOK_SECONDS)[0]:
                    self._listen()
                if os.getppid() != self._parent:
                    self._end_all()
                self._look()
        except BaseException:
            logger().exception("a node's lifeline broke")
            self._end_all()

    def _listen(self) -> None:
        try:
            if any(isinstance(note, Die) for note in self._call.receive()):
                end_process()
        except (EOFError, OSError, BadNote):
            self._end_all(driver_gone=True)

    def _end_all(self, *, driver_gone: bool = False) -> None:
        if self._directory:
            end_group(self._directory if driver_gone else "")
        os.kill(os.getpid(), signal.SIGKILL)

    def _look(self) -> None:
        busy = self._process.busy() if self._process is not None else None
        verdict = self._watchdog.look(busy)
        if busy is None or verdict is Verdict.FINE:
            return
        if verdict is Verdict.REPORT:
            facts = {"actor": busy.path, "message": busy.handler, "seconds": busy.seconds}
            logger().warning("handler runs long", **facts, stack=self._stack())
            return
        hung = Hung(busy.path, busy.handler, busy.seconds, self._stack())
        self._say(LastWords(f"{busy.path} has handled one {busy.handler} for {busy.seconds:.1f} s", hung))
        os.kill(os.getpid(), signal.SIGKILL)

    def _stack(self) -> str:
        assert self._process is not None
        return stack_of(self._process.thread_id)

    def _say(self, words: LastWords) -> None:
        try:
            self._call.send(words)
        except OSError:
            return  # The driver has gone; nobody is left to tell.


def stack_of(thread_id: int) -> str:
    """Where a thread is now, as in a traceback; empty if there is no such thread."""
    frame = sys._current_frames().get(thread_id)
    if frame is None:
        return ""
    return "".join(traceback.format_stack(frame))[-STACK_CHARS_MAX:]
