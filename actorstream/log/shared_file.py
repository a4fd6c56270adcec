"""A file that is closed when the last of its users lets go.

A sync runs in another thread while the log rolls, closes, or is deleted; were the file closed under it, its
descriptor could already belong to something else.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from actorstream.host import File


class SharedFile:
    """One open file and the number of its users; it begins with one, the opener."""

    __slots__ = ("_lock", "_users", "file")

    def __init__(self, file: File) -> None:
        self.file = file
        self._lock = Lock()
        self._users = 1

    def sync_work(self) -> Callable[[], None]:
        """Blocking work, to be called exactly once, that makes what is written by then durable.

        Raises:
            SyncFailed: from the work; never to be tried again.
        """
        with self._lock:
            assert self._users > 0, "the file is closed"
            self._users += 1

        def sync() -> None:
            try:
                self.file.sync()
            finally:
                self.close()

        return sync

    def close(self) -> None:
        """Let go; the last one closes the file."""
        with self._lock:
            assert self._users > 0, "closed more often than opened"
            self._users -= 1
            if self._users == 0:
                self.file.close()
