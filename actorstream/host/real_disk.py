"""The machine's disk, below one root directory."""

from __future__ import annotations

import errno
import os
import shutil

from actorstream.errors import DiskFull, SyncFailed
from actorstream.host.rocks_map import RocksMap

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class RealFile:
    """A file descriptor opened for reading and appending."""

    __slots__ = ("_fd", "_path", "_size")

    def __init__(self, path: str, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._size = os.fstat(fd).st_size

    def append(self, data: bytes | bytearray | memoryview) -> int:
        start = self._size
        rest = memoryview(data)
        try:
            while rest:
                written = os.pwrite(self._fd, rest, self._size)
                self._size += written
                rest = rest[written:]
        except OSError as error:
            self.truncate(start)
            if error.errno in _FULL:
                raise DiskFull(self._path) from error
            raise
        return start

    def read(self, position: int, size: int) -> bytes:
        chunk = os.pread(self._fd, size, position)
        if len(chunk) == size or not chunk:
            return chunk
        parts = [chunk]
        got = len(chunk)
        while got < size and (chunk := os.pread(self._fd, size - got, position + got)):
            parts.append(chunk)
            got += len(chunk)
        return b"".join(parts)

    def size(self) -> int:
        return self._size

    def truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)
        self._size = size

    def sync(self) -> None:
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise SyncFailed(f"{self._path}: {os.strerror(error.errno or 0)}") from error

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class RealDisk:
    """A tree of real files; see `Disk`."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.path.abspath(root)

    def _at(self, path: str) -> str:
        return os.path.join(self.root, path) if path else self.root

    def open(self, path: str, *, create: bool = False) -> RealFile:
        full = self._at(path)
        flags = os.O_RDWR | (os.O_CREAT if create else 0) | os.O_CLOEXEC
        try:
            return RealFile(full, os.open(full, flags, 0o644))
        except OSError as error:
            if error.errno in _FULL:
                raise DiskFull(full) from error
            raise

    def exists(self, path: str) -> bool:
        return os.path.exists(self._at(path))

    def list(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(self._at(path)))
        except FileNotFoundError:
            return []

    def make_dir(self, path: str) -> None:
        try:
            os.makedirs(self._at(path), exist_ok=True)
        except OSError as error:
            if error.errno in _FULL:
                raise DiskFull(self._at(path)) from error
            raise

    def remove(self, path: str) -> None:
        try:
            os.remove(self._at(path))
        except FileNotFoundError:
            return

    def remove_tree(self, path: str) -> None:
        shutil.rmtree(self._at(path), ignore_errors=True)

    def rename(self, source: str, target: str) -> None:
        os.replace(self._at(source), self._at(target))

    def sync_dir(self, path: str) -> None:
        fd = os.open(self._at(path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        except OSError as error:
            raise SyncFailed(f"{self._at(path)}: {os.strerror(error.errno or 0)}") from error
        finally:
            os.close(fd)

    def open_map(self, path: str) -> RocksMap:
        return RocksMap(self._at(path))

    def show(self, path: str) -> str:
        return self._at(path)
