"""A disk whose process is killed before, or in the middle of, its n-th change."""

from __future__ import annotations

from actorstream.host import MemoryDisk


class ProcessKilled(BaseException):
    """Nothing of the process runs any more."""


class KillingFile:
    """A file of a `KillingDisk`."""

    def __init__(self, disk: KillingDisk, file) -> None:
        self._disk, self._file = disk, file
        self.read, self.size, self.close = file.read, file.size, file.close

    def append(self, data) -> int:
        self._disk.step()
        return self._file.append(data)

    def truncate(self, size: int) -> None:
        self._disk.step()
        self._file.truncate(size)

    def sync(self) -> None:
        self._disk.step()
        self._file.sync()


class KillingDisk:
    """`disk`, until `changes` changes are done; then every further one raises `ProcessKilled`."""

    def __init__(self, disk: MemoryDisk, changes: int) -> None:
        self.disk, self.left = disk, changes
        self.exists, self.list, self.show = disk.exists, disk.list, disk.show

    def step(self) -> None:
        if self.left <= 0:
            raise ProcessKilled
        self.left -= 1

    def open(self, path: str, *, create: bool = False) -> KillingFile:
        if create and not self.disk.exists(path):
            self.step()
        return KillingFile(self, self.disk.open(path, create=create))

    def make_dir(self, path: str) -> None:
        self.step()
        self.disk.make_dir(path)

    def remove(self, path: str) -> None:
        self.step()
        self.disk.remove(path)

    def remove_tree(self, path: str) -> None:
        self.step()
        self.disk.remove_tree(path)

    def rename(self, source: str, target: str) -> None:
        self.step()
        self.disk.rename(source, target)

    def sync_dir(self, path: str) -> None:
        self.step()
        self.disk.sync_dir(path)
