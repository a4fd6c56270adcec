"""The disk, as the log sees it.

Paths are relative to the disk's root and use `/`. Reads and writes take effect at once in the page cache; only
`sync` makes them durable, and only `sync_dir` makes names durable, so callers run those two as background work and
act on their completion.
"""

from __future__ import annotations

from typing import Protocol

from actorstream.host.ordered_map import OrderedMap


class File(Protocol):
    """One open file."""

    def append(self, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data` at the end, and return the position where it begins.

        Raises:
            DiskFull: nothing of `data` is in the file.
        """
        ...

    def read(self, position: int, size: int) -> bytes:
        """Up to `size` bytes from `position`; fewer only at the end of the file."""
        ...

    def size(self) -> int:
        """Length in bytes."""
        ...

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes."""
        ...

    def sync(self) -> None:
        """Make what was written durable.

        Raises:
            SyncFailed: never try again; end the process.
        """
        ...

    def close(self) -> None:
        """Let go of the file; does not sync."""
        ...


class Disk(Protocol):
    """A tree of files under one root."""

    def open(self, path: str, *, create: bool = False) -> File:
        """Open for reading and appending.

        Raises:
            FileNotFoundError: it is not there and `create` is false.
        """
        ...

    def exists(self, path: str) -> bool:
        """Whether a file or directory is there."""
        ...

    def list(self, path: str) -> list[str]:
        """The names in a directory, sorted; empty if it is not there."""
        ...

    def make_dir(self, path: str) -> None:
        """Create a directory and its parents; durable after `sync_dir` of the parents."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; no error if it is not there."""
        ...

    def remove_tree(self, path: str) -> None:
        """Remove a directory and all below it; no error if it is not there."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Move a file, atomically replacing `target`."""
        ...

    def sync_dir(self, path: str) -> None:
        """Make the names in a directory durable."""
        ...

    def open_map(self, path: str) -> OrderedMap:
        """An empty map, whose files are in the directory `path`.

        Raises:
            MissingExtra: the library that it needs is not installed.
        """
        ...

    def show(self, path: str) -> str:
        """The path as a person would type it, for messages."""
        ...


def read_bytes(disk: Disk, path: str) -> bytes:
    """The whole file."""
    file = disk.open(path)
    try:
        return file.read(0, file.size())
    finally:
        file.close()


def replace_bytes(disk: Disk, path: str, data: bytes) -> None:
    """Write a small file so that after a crash it has either its old content or `data`."""
    parent, _, _ = path.rpartition("/")
    temporary = f"{path}.new"
    disk.remove(temporary)
    file = disk.open(temporary, create=True)
    try:
        file.append(data)
        file.sync()
    finally:
        file.close()
    disk.rename(temporary, path)
    disk.sync_dir(parent)


def make_durable_dir(disk: Disk, path: str) -> None:
    """Create a directory and its parents, and make their names durable: also those that a crash left unsynced."""
    disk.make_dir(path)
    while path:
        path = path.rpartition("/")[0]
        disk.sync_dir(path)
