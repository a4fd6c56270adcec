"""A directory of part files, as a two-phase sink: what a reader sees by its name is committed, whole and durable.

A part is written under a hidden name (`.part-<handle>.jsonl`). `prepare` makes its bytes and its name durable; `commit`
renames it (`part-<handle>.jsonl`), which is atomic and may be repeated; `abort` removes what no checkpoint will commit.
A lane that wrote nothing leaves no file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from actorstream.connectors.files.format import Encoder, Format
from actorstream.errors import BadInput
from actorstream.host import Disk, File

if TYPE_CHECKING:
    import polars

BUFFER_BYTES_MAX = 1024 * 1024
"""How much is kept in memory before it is written."""

_HANDLE = re.compile(r"[A-Za-z0-9._-]+")


class PartFiles:
    """The parts in one directory of a disk."""

    def __init__(self, disk: Disk, directory: str, format_: Format) -> None:
        self._disk, self._directory, self._format = disk, directory, format_
        self._ending = format_.endings[0]

    def open(self, handle: str) -> PartWriter:
        """A writer for a new part; one that was left under the same handle is removed."""
        assert _HANDLE.fullmatch(handle), f"{handle!r} is no handle"
        encoder = self._format.encoder()
        self._make_directory()
        self._disk.remove(self._hidden(handle))
        return PartWriter(self._disk, self._directory, self._hidden(handle), encoder)

    def commit(self, handle: str) -> None:
        """Give the part its name; nothing happens when it has it already, or when nothing was written."""
        if self._disk.exists(self._hidden(handle)):
            self._disk.rename(self._hidden(handle), f"{self._directory}/part-{handle}{self._ending}")
        # Also when it was renamed before: a crash may have come between the renaming and this.
        if self._disk.exists(self._directory):
            self._disk.sync_dir(self._directory)

    def abort(self, keep: Collection[str], prefix: str) -> None:
        """Remove the hidden parts whose handle begins with `prefix` and is not in `keep`."""
        for name in self._disk.list(self._directory):
            handle = name.removeprefix(".part-").removesuffix(self._ending)
            is_part = name == f".part-{handle}{self._ending}"
            if is_part and handle.startswith(prefix) and handle not in keep:
                self._disk.remove(f"{self._directory}/{name}")

    def _hidden(self, handle: str) -> str:
        return f"{self._directory}/.part-{handle}{self._ending}"

    def _make_directory(self) -> None:
        """Create the directory and its parents, each name durable."""
        parent = ""
        for name in self._directory.split("/"):
            path = f"{parent}/{name}" if parent else name
            if not self._disk.exists(path):
                self._disk.make_dir(path)
                self._disk.sync_dir(parent)
            parent = path


class PartWriter:
    """Writes one part."""

    def __init__(self, disk: Disk, directory: str, path: str, encoder: Encoder) -> None:
        self._disk, self._directory, self._path, self._encoder = disk, directory, path, encoder
        self._buffer: list[bytes] = []
        self._buffered_bytes = 0
        self._has_values = False
        self._file: File | None = None

    def write(self, values: Sequence[Any] | polars.DataFrame) -> None:
        """Take some values, or a frame if the format takes frames.

        Raises:
            BadInput: a value does not fit the file.
            DiskFull: there is no space for them.
        """
        if not len(values):
            return
        self._has_values = True
        try:
            data = self._encoder.add(values)
        except BadInput as error:
            raise BadInput(f"{self._directory}: {error}") from error.__cause__
        self._add(data)
        if self._buffered_bytes >= BUFFER_BYTES_MAX:
            self._flush()

    def prepare(self) -> None:
        """Make the part durable under its hidden name.

        Raises:
            DiskFull: there is no space for it.
            SyncFailed: never try again; end the process.
        """
        if not self._has_values:
            return
        self._add(self._encoder.finish())
        file = self._flush()
        file.sync()
        file.close()
        self._disk.sync_dir(self._directory)

    def _add(self, data: bytes) -> None:
        self._buffer.append(data)
        self._buffered_bytes += len(data)

    def _flush(self) -> File:
        if self._file is None:
            self._file = self._disk.open(self._path, create=True)
        self._file.append(b"".join(self._buffer))
        self._buffer, self._buffered_bytes = [], 0
        return self._file
