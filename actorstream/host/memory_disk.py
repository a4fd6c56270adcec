"""A disk in memory that loses what a real one may lose.

Theory of operation. Every file has what the page cache shows (`data`) and what is durable (`durable`), and the list of
writes between them. A process that is killed keeps the page cache, but its last write may have been cut short at any
byte. A host that crashes keeps the durable bytes and any subset of the unsynced writes, each possibly torn. Changes of
names (creations, renames, removals, of files and of directories) wait for a `sync_dir`; of those that wait any subset
survives a crash of the host. A rename is one change: the file has its old name or its new one, never none. A directory
whose own name is lost takes with it what is below. A write that fails for lack of space leaves nothing, as the real
disk's does.
"""

from __future__ import annotations

from actorstream.errors import DiskFull
from actorstream.host.entropy import Entropy
from actorstream.host.ordered_map import MemoryMap


class _Inode:
    """The content of one file, apart from its name."""

    __slots__ = ("data", "durable", "unsynced")

    def __init__(self) -> None:
        self.data = bytearray()
        self.durable = bytearray()
        self.unsynced: list[tuple[int, bytes]] = []  # (position, bytes); (size, b"") is a truncation

    def clone(self) -> _Inode:
        """The same content, all of it durable."""
        copy = _Inode()
        copy.data[:] = copy.durable[:] = self.data
        return copy


_DIRECTORY = _Inode()
"""Stands behind the name of every directory; it has no content."""

_Names = dict[str, _Inode]
_Change = dict[str, _Inode | None]
"""Names and what they stand for from now on (None: nothing), changed together or not at all."""


class MemoryFile:
    """An open file of a `MemoryDisk`."""

    __slots__ = ("_disk", "_inode", "_path")

    def __init__(self, disk: MemoryDisk, path: str, inode: _Inode) -> None:
        self._disk, self._path, self._inode = disk, path, inode

    def append(self, data: bytes | bytearray | memoryview) -> int:
        inode = self._inode
        start = len(inode.data)
        self._disk.take_space(self._path, len(data))
        inode.data += data
        inode.unsynced.append((start, bytes(data)))
        self._disk.last_write = inode
        return start

    def read(self, position: int, size: int) -> bytes:
        return bytes(self._inode.data[position : position + size])

    def size(self) -> int:
        return len(self._inode.data)

    def truncate(self, size: int) -> None:
        inode = self._inode
        self._disk.take_space(self._path, size - len(inode.data))
        del inode.data[size:]
        inode.unsynced.append((size, b""))

    def sync(self) -> None:
        inode = self._inode
        self._disk.spend_sync()
        if self._disk.lying_sync():
            return
        for position, data in inode.unsynced:
            _apply(inode.durable, position, data)
        inode.unsynced.clear()
        self._disk.syncs += 1

    def close(self) -> None:
        """Nothing to let go of."""


class MemoryDisk:
    """See the module.

    `capacity_bytes` bounds the sum of all files; `lie_probability` is the share of syncs that lie; `sync_us` is how
    long each sync takes, where somebody waits for it (`take_wait_us`).
    """

    def __init__(self, *, capacity_bytes: int | None = None) -> None:
        self.capacity_bytes = capacity_bytes
        self.lie_probability = 0.0
        self.entropy: Entropy | None = None
        self.used_bytes = 0
        self.syncs = 0
        self.sync_us = 0
        self._wait_us = 0
        self.last_write: _Inode | None = None
        self._names: _Names = {"": _DIRECTORY}
        self._durable_names: _Names = dict(self._names)
        self._changes: list[_Change] = []  # of names, that no `sync_dir` has covered

    def clone(self) -> MemoryDisk:
        """An independent disk with the same content, as after a clean stop: everything in it is durable."""
        copy = MemoryDisk(capacity_bytes=self.capacity_bytes)
        copy._names = {path: inode if inode is _DIRECTORY else inode.clone() for path, inode in self._names.items()}
        copy._durable_names = dict(copy._names)
        copy.used_bytes = self.used_bytes
        return copy

    def take_space(self, path: str, size: int) -> None:
        """Account for `size` more bytes.

        Raises:
            DiskFull: they do not fit.
        """
        if self.capacity_bytes is not None and size > 0 and self.used_bytes + size > self.capacity_bytes:
            raise DiskFull(path)
        self.used_bytes += size

    def spend_sync(self) -> None:
        """A sync takes its time."""
        self._wait_us += self.sync_us

    def take_wait_us(self) -> int:
        """How long the syncs since the last call take together: whoever simulates time lets so much of it pass."""
        wait_us, self._wait_us = self._wait_us, 0
        return wait_us

    def lying_sync(self) -> bool:
        """Whether this sync is one that only pretends."""
        return self.entropy is not None and self.lie_probability > 0 and self.entropy.chance(self.lie_probability)

    def open(self, path: str, *, create: bool = False) -> MemoryFile:
        inode = self._names.get(path)
        if inode is None:
            if not create or self._names.get(path.rpartition("/")[0]) is not _DIRECTORY:
                raise FileNotFoundError(path)
            inode = _Inode()
            self._change({path: inode})
        return MemoryFile(self, path, inode)

    def exists(self, path: str) -> bool:
        return path in self._names

    def list(self, path: str) -> list[str]:
        prefix = f"{path}/" if path else ""
        below = [name for name in self._names if name.startswith(prefix) and name != path]
        return sorted({name[len(prefix) :].split("/", 1)[0] for name in below})

    def make_dir(self, path: str) -> None:
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            parent = "/".join(parts[:end])
            if parent not in self._names:
                self._change({parent: _DIRECTORY})

    def remove(self, path: str) -> None:
        inode = self._names.get(path)
        if inode is not None:
            self.used_bytes -= len(inode.data)
            self._change({path: None})

    def remove_tree(self, path: str) -> None:
        for name in [name for name in self._names if name == path or name.startswith(f"{path}/")]:
            self.remove(name)

    def rename(self, source: str, target: str) -> None:
        inode, replaced = self._names[source], self._names.get(target)
        if replaced is not None:
            self.used_bytes -= len(replaced.data)
        self._change({source: None, target: inode})

    def _change(self, change: _Change) -> None:
        _rename(self._names, change)
        self._changes.append(change)

    def sync_dir(self, path: str) -> None:
        prefix = f"{path}/" if path else ""
        left = []
        for change in self._changes:
            if any(name.startswith(prefix) and "/" not in name[len(prefix) :] for name in change):
                _rename(self._durable_names, change)
            else:
                left.append(change)
        self._changes = left

    def open_map(self, path: str) -> MemoryMap:
        return MemoryMap()

    def show(self, path: str) -> str:
        return path

    def crash_process(self, entropy: Entropy) -> None:
        """The process is killed: the page cache survives, the write under way may be cut short."""
        inode = self.last_write
        self.last_write = None
        if inode is None or not inode.unsynced or not entropy.chance(0.5):
            return
        position, data = inode.unsynced[-1]
        if data and position + len(data) == len(inode.data):
            kept = entropy.below(len(data) + 1)
            self.used_bytes -= len(data) - kept
            del inode.data[position + kept :]
            inode.unsynced[-1] = (position, data[:kept])

    def crash_host(self, entropy: Entropy) -> None:
        """The machine loses power: of what was not synced any subset survives, and each write may be torn."""
        self.last_write = None
        changed = [inode for change in self._changes for inode in change.values() if inode is not None]
        for inode in dict.fromkeys([*self._names.values(), *self._durable_names.values(), *changed]):
            _lose_unsynced(inode, entropy)
        names = dict(self._durable_names)
        for change in self._changes:
            if entropy.chance(0.5):
                _rename(names, change)
        self._changes = []
        self._names = {name: inode for name, inode in names.items() if _is_reachable(name, names)}
        self._durable_names = dict(self._names)
        self.used_bytes = sum(len(inode.data) for inode in self._names.values())


def _rename(names: _Names, change: _Change) -> None:
    for name, inode in change.items():
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


def _is_reachable(name: str, names: _Names) -> bool:
    """Whether all directories above a name are there."""
    while name:
        name = name.rpartition("/")[0]
        if names.get(name) is not _DIRECTORY:
            return False
    return True


def _apply(content: bytearray, position: int, data: bytes) -> None:
    if not data:
        del content[position:]
        return
    if len(content) < position:
        content.extend(bytes(position - len(content)))  # A hole: the write before it was lost.
    content[position : position + len(data)] = data


def _lose_unsynced(inode: _Inode, entropy: Entropy) -> None:
    for position, data in inode.unsynced:
        if not entropy.chance(0.5):
            continue
        if data and entropy.chance(0.3):
            data = data[: entropy.between(1, len(data))]  # A torn write: only its beginning reached the platter.
        _apply(inode.durable, position, data)
    inode.unsynced.clear()
    inode.data[:] = inode.durable
