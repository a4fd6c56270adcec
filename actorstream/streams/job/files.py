"""One lane into a two-phase sink: what was written for which checkpoint. Its I/O runs as background work.

Handles are named `<job>-<lane>-<hash>-<epoch>-<checkpoint>`, with numbers of fixed width, so that they sort in the
order of their output and an orphan can be told from its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import xxhash

from actorstream.streams.connector import TwoPhaseSink, Writer

_PREFIX_MAX = 100
"""Characters of a job's and lane's names in a handle; a file's name has at most 255."""

_UNFIT = re.compile(r"[^A-Za-z0-9_.-]")


class FileLane:
    """See the module. `name` is the lane's identity in checkpoints."""

    def __init__(self, job: str, name: str, sink: TwoPhaseSink) -> None:
        self.name = name
        self._sink = sink
        self._prefix = _prefix(f"{job}-{name}")
        self.begin(0, 0)

    def begin(self, epoch: int, first_checkpoint: int) -> None:
        """Begin an epoch; what was open is given up."""
        self._epoch = epoch
        self._open = first_checkpoint
        self._writer: Writer | None = None
        self._sealed: dict[int, str] = {}

    def _handle(self, checkpoint: int) -> str:
        return f"{self._prefix}{self._epoch:06d}-{checkpoint:010d}"

    def write(self, values: Any) -> None:
        """Write for the open checkpoint: a list of values, or a frame if the sink takes frames."""
        if not len(values):
            return
        if self._writer is None:
            self._writer = self._sink.open(self._handle(self._open))
        self._writer.write(values)

    def seal(self, checkpoint: int) -> tuple[str | None, Callable[[], None]]:
        """The barrier has come: the handle (None: nothing was written), and the work that makes it durable."""
        writer, self._writer = self._writer, None
        self._open = checkpoint + 1
        if writer is None:
            return None, _nothing
        handle = self._sealed[checkpoint] = self._handle(checkpoint)
        return handle, writer.prepare

    def commits(self, checkpoint: int) -> list[Callable[[], None]]:
        """The work that makes a decided checkpoint's output visible."""
        handle = self._sealed.pop(checkpoint, None)
        return [] if handle is None else [lambda: self._sink.commit(handle)]

    def recovery(self, handles: tuple[str, ...]) -> Callable[[], None]:
        """The work that commits again what was decided, and removes what will never be."""

        def recover() -> None:
            for handle in handles:
                self._sink.commit(handle)
            self._sink.abort(handles, self._prefix)

        return recover


def _prefix(identity: str) -> str:
    """The identity as part of a file's name: as much of it as a person can read, and its hash.

    The hash tells apart what only unfit characters tell apart, and keeps one lane's prefix from beginning another's.
    """
    clean = _UNFIT.sub("_", identity)[:_PREFIX_MAX]
    return f"{clean}-{xxhash.xxh64_hexdigest(identity.encode())}-"


def _nothing() -> None:
    """Nothing was written, so nothing needs to be made durable."""
