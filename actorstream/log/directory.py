"""A data directory: who holds it, which one it is, and whether this version can read it.

Guarantees: at most one process holds a directory; a newer version's is refused before anything in it is touched. The
identity is written once, durably, and never changes; only the boot id does, at the first opening after a reboot.

`LOCK` is held by flock, so that the holder's death frees it however it dies; it contains the holder's process id.
`nodes/1/node.json` is `{cluster_id, node_id, directory_id, format, boot_id}`.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

import msgspec

from actorstream.errors import BadInput, Corrupt, DirectoryInUse, UnsupportedFormat
from actorstream.host import Disk, Entropy, RealDisk, system_entropy
from actorstream.host.disk import read_bytes, replace_bytes
from actorstream.log.undecodable import UNDECODABLE

FORMAT = 1
NODE_ID = 1
LOCK = "LOCK"
NODE_FILE = f"nodes/{NODE_ID}/node.json"

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_BYTES_MAX = 20


class Identity(msgspec.Struct, frozen=True):
    """Which directory this is."""

    cluster_id: str
    node_id: int
    directory_id: str
    format: int
    boot_id: str  # of the machine when it was last opened; "" where machines do not tell


class _Format(msgspec.Struct):
    format: int


class DataDirectory:
    """An open data directory; nobody else has it open until it is closed."""

    def __init__(self, disk: Disk, identity: Identity, path: Path | None = None, lock: int | None = None) -> None:
        self.disk, self.identity, self.path = disk, identity, path
        self._lock = lock

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, create: bool = True) -> Self:
        """Hold the directory at `path`.

        Raises:
            DirectoryInUse: another process holds it; names its process id.
            BadInput: it is not there and `create` is false, or it cannot be a directory.
            UnsupportedFormat: a newer version wrote it.
            Corrupt: its identity cannot be read.
        """
        where = Path(os.path.realpath(path))
        _make(where, create=create)
        lock = _lock(where)
        try:
            disk = RealDisk(where)
            return cls(disk, identify(disk, system_entropy(), _boot_id()), where, lock)
        except BaseException:
            os.close(lock)
            raise

    @classmethod
    def on(cls, disk: Disk, entropy: Entropy, *, boot_id: str = "") -> Self:
        """The same on a disk that nobody else can have, such as a simulation's."""
        return cls(disk, identify(disk, entropy, boot_id))

    def close(self) -> None:
        """Let go; the next may open it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def identify(disk: Disk, entropy: Entropy, boot_id: str) -> Identity:
    """Read the directory's identity, or give it one.

    Raises:
        UnsupportedFormat: a newer version wrote it.
        Corrupt: it cannot be read.
    """
    found = _read(disk) if disk.exists(NODE_FILE) else None
    identity = found or Identity(entropy.identity(), NODE_ID, entropy.identity(), FORMAT, boot_id)
    if identity != found or identity.boot_id != boot_id:
        identity = msgspec.structs.replace(identity, boot_id=boot_id)
        disk.make_dir(f"nodes/{NODE_ID}")
        disk.make_dir("log")
        for parent in ("", "nodes"):
            disk.sync_dir(parent)
        replace_bytes(disk, NODE_FILE, msgspec.json.encode(identity))
    return identity


def _read(disk: Disk) -> Identity:
    data = read_bytes(disk, NODE_FILE)
    try:
        version = msgspec.json.decode(data, type=_Format).format
        if version > FORMAT:
            raise UnsupportedFormat(disk.show(NODE_FILE), version, FORMAT)
        return msgspec.json.decode(data, type=Identity)
    except UNDECODABLE as error:
        raise Corrupt(disk.show(NODE_FILE), 0, str(error)) from None


def _make(where: Path, *, create: bool) -> None:
    if not create and not where.is_dir():
        raise BadInput(f"{where}: there is no data directory; something must be run or produced into it first")
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{where} cannot be a data directory: {error.strerror}") from None


def _lock(where: Path) -> int:
    """Hold the directory's lock; the descriptor that does."""
    try:
        lock = os.open(where / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise BadInput(f"{where} cannot be a data directory: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held_by = holder(where)
        os.close(lock)
        raise DirectoryInUse(str(where), held_by) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def holder(path: str | os.PathLike[str]) -> int | None:
    """The process id that `LOCK` contains; whether that process still holds it, only trying can tell."""
    try:
        text = (Path(path) / LOCK).read_bytes()[:_PID_BYTES_MAX].strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
