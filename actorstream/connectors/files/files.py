"""`files.jsonl`, `files.csv`, `files.parquet`: an object that is a source where it is read, a sink where it is written.

As a source: a file, a directory or a glob, in name order. As a sink: a directory of part files, each visible only once
the checkpoint that it belongs to is decided.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Sequence
from typing import Any, overload

from actorstream.connectors.files.columnar import Columnar
from actorstream.connectors.files.comma_separated import CommaSeparated
from actorstream.connectors.files.format import Format
from actorstream.connectors.files.json_lines import JsonLines
from actorstream.connectors.files.parts import PartFiles, PartWriter
from actorstream.connectors.files.paths import Paths
from actorstream.connectors.files.reader import FilesReader
from actorstream.errors import BadInput, PlanError
from actorstream.host import RealDisk
from actorstream.model.record import Record

Path = str | os.PathLike[str]


def jsonl(path: Path, Type: Any = Any, *, follow: bool = False) -> Files:
    """JSON lines: one JSON value a line.

    Args:
        path: as a source a file, a directory (its `.jsonl`, `.ndjson` and `.json` files) or a glob; as a sink a
            directory.
        Type: what each line must fit, mostly a Record type. Fields match by name, further ones are ignored, a missing
            one needs a default. Without it: dicts and lists.
        follow: whether to go on as lines and files are added, instead of ending.

    Raises:
        PlanError: JSON cannot hold the type.
    """
    return Files(path, JsonLines(Type), follow=follow)


def csv(path: Path, Type: type[Record], *, follow: bool = False) -> Files:
    """CSV with a header; columns match fields by name, as in `jsonl`.

    Args:
        path: as a source a file, a directory (its `.csv` files) or a glob; as a sink a directory.
        Type: the Record type of the rows. An empty cell is None where a field admits it.
        follow: whether to go on as rows and files are added, instead of ending.

    Raises:
        PlanError: the type is no Record type.
    """
    return Files(path, CommaSeparated(Type), follow=follow)


def parquet(path: Path, Type: type[Record], *, follow: bool = False) -> Files:
    """Parquet; columns match fields by name, as in `jsonl`, and only those that are needed are read.

    Args:
        path: as a source a file, a directory (its `.parquet` and `.pq` files) or a glob; as a sink a directory.
        Type: the Record type of the rows.
        follow: whether to go on as files are added, instead of ending.

    Raises:
        PlanError: the type is no Record type.
    """
    return Files(path, Columnar(Type), follow=follow)


class Files:
    """Files as a `Source` and as a `TwoPhaseSink`; made by `jsonl`, `csv` and `parquet`."""

    replayable = True

    def __init__(self, path: Path, format_: Format, *, follow: bool = False) -> None:
        if not isinstance(path, (str, os.PathLike)):
            raise PlanError(f"files.{format_.name}: {path!r} is no path; give a text such as 'flights.{format_.name}'")
        self.path = os.path.expanduser(os.fspath(path))
        self.type = format_.type
        self.bounded = not follow
        self.columnar = format_.columnar
        self.blocking = format_.blocking
        self._format = format_

    def __str__(self) -> str:
        return f"files.{self._format.name}({self.path!r})"

    @overload
    def open(self, position: str, *, columns: None = None) -> PartWriter: ...

    @overload
    def open(self, position: dict[str, Any] | None, *, columns: tuple[str, ...] | None = None) -> FilesReader: ...

    def open(
        self, position: str | dict[str, Any] | None, *, columns: tuple[str, ...] | None = None
    ) -> PartWriter | FilesReader:
        """As a source: a reader from a position, None being the beginning. As a sink: a writer for a handle, a text.

        Raises:
            BadInput: there is nothing to read at the path, or it is not what it was; or it cannot be written to.
        """
        if isinstance(position, str):
            return self._parts().open(position)
        paths = Paths(self.path, self._format.endings, may_be_empty=not self.bounded)
        return FilesReader(paths, self._format, position, follow=not self.bounded, columns=columns)

    def where(self, conditions: Sequence[Any]) -> Files:
        """As a source: the same files, but rows for which one of these Polars expressions is not true may be left out.

        Those of Parquet files are, where that is clear from the file; all others are read and checked.
        """
        narrow = getattr(self._format, "where", None)
        return self if narrow is None else Files(self.path, narrow(conditions), follow=not self.bounded)

    def takes_frames(self, kind: type[Record]) -> bool:
        """As a sink: whether frames of a Record type are written as they are."""
        takes = getattr(self._format, "takes_frames", None)
        return takes is not None and bool(takes(kind))

    def commit(self, handle: str) -> None:
        """As a sink: make what was prepared under `handle` visible."""
        self._parts().commit(handle)

    def abort(self, keep: Collection[str], prefix: str) -> None:
        """As a sink: remove what was prepared under a handle that begins with `prefix`, but for those in `keep`."""
        self._parts().abort(keep, prefix)

    def _parts(self) -> PartFiles:
        full = os.path.abspath(self.path)
        if os.path.exists(full) and not os.path.isdir(full):
            raise BadInput(f"{self} is a sink, which writes a directory of part files, but {self.path} is a file")
        if glob.has_magic(self.path) and not os.path.isdir(full):
            raise BadInput(f"{self} is a sink, which writes a directory of part files; {self.path} is a pattern")
        return PartFiles(RealDisk("/"), full.lstrip("/"), self._format)
