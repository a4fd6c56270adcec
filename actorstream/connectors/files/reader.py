"""Reads the files of a source one after the other, and knows at every moment where it is.

A position is `{"file", "files", "count", ...}` with the format's mark: the name of the file, how many files came before
it, how many values. Files that appear later are read when their names sort after the one that is being read; one that
sorts before it could only be left out in silence, so it is refused.
"""

from __future__ import annotations

from typing import Any

import msgspec

from actorstream.connectors.files.format import BadLine, Format, Mark, Part, Pass
from actorstream.connectors.files.paths import Paths
from actorstream.errors import BadInput
from actorstream.streams.connector import Chunk


class Place(msgspec.Struct, frozen=True):
    """Where a reader is: in which file (None: before the first), and after how many files and values."""

    file: str | None = None
    files: int = 0
    count: int = 0


class FilesReader:
    """One pass through the files of a source, from a position."""

    def __init__(
        self, paths: Paths, format_: Format, position: Any, *, follow: bool, columns: tuple[str, ...] | None
    ) -> None:
        self._paths, self._format, self._follow, self._columns = paths, format_, follow, columns
        self._place, self._mark = _read_position(position)
        self._known = paths.names()
        self._pass: Pass | None = None
        if self._place.file is not None:
            self._pass = self._reopened(self._place.file)

    def read(self, limit: int) -> Chunk | None:
        """Up to about `limit` values; a chunk without values when more may come; None at the end.

        Raises:
            BadInput: a line does not fit (`BadLine`; a further read goes on after it), or a file is not what it was.
        """
        while self._pass is not None or self._open_next():
            final = not self._follow
            part = self._part(limit, final)
            if part is None and not final and self._has_next():
                part = self._part(limit, True)
                final = part is None
            if part is not None:
                return self._chunk(part)
            if not final:
                break
            self.close()
        return Chunk([], self._position(), self._place.count) if self._follow else None

    def close(self) -> None:
        """Let go of the file."""
        if self._pass is not None:
            self._pass.close()
            self._pass = None

    def _part(self, limit: int, final: bool) -> Part | None:
        assert self._pass is not None
        try:
            return self._pass.read(limit, final)
        except BadLine as error:
            self._mark = error.mark
            error.position, error.first_offset = self._position(), self._place.count
            raise

    def _chunk(self, part: Part) -> Chunk:
        first = self._place.count
        self._mark = part.mark
        self._place = msgspec.structs.replace(self._place, count=first + len(part.values))
        return Chunk(part.values, self._position(), first)

    def _position(self) -> dict[str, Any]:
        return {**msgspec.to_builtins(self._place), **self._mark}

    def _open_next(self) -> bool:
        """Open the file after the current one, if there is one."""
        if not self._has_next():
            return False
        files = 0 if self._place.file is None else self._known.index(self._place.file) + 1
        name = self._known[files]
        self._pass = self._format.open(self._paths.at(name), None, self._columns)
        self._place = Place(name, files, self._place.count)
        self._mark = {}
        return True

    def _has_next(self) -> bool:
        if self._follow:
            self._look_again()
        return bool(self._known) and self._known[-1] != self._place.file

    def _look_again(self) -> None:
        """Learn of new files. One that is gone stays known: it was read, or will be missed when it is opened."""
        names = self._paths.names()
        new = sorted({*names} - {*self._known})
        current = self._place.file
        if current is not None and new and new[0] < current:
            raise self._too_late(new[0], current)
        self._known = sorted([*self._known, *new])

    def _reopened(self, name: str) -> Pass:
        if name not in self._known:
            raise BadInput(
                f"{self._paths.at(name)} is gone, and the job has read it only in part; put it back, or start the job "
                "in a new data directory"
            )
        before = self._known.index(name)
        if before > self._place.files:
            raise self._too_late(self._known[before - 1], name)
        return self._format.open(self._paths.at(name), self._mark, self._columns)

    def _too_late(self, new: str, current: str) -> BadInput:
        return BadInput(
            f"{self._paths.at(new)} came while {current} was being read, and sorts before it; files are read in name "
            "order, so give a new file a name that sorts last"
        )


def _read_position(position: Any) -> tuple[Place, Mark]:
    if position is None:
        return Place(), {}
    try:
        place = msgspec.convert(position, Place)
        rest = {name: value for name, value in position.items() if name not in Place.__struct_fields__}
        mark = msgspec.convert(rest, Mark)
    except msgspec.ValidationError as error:
        raise BadInput(f"{position!r} is no position in files: {error}") from error
    if any(number < 0 for number in (place.files, place.count, *mark.values())):
        raise BadInput(f"{position!r} is no position in files: a number is below zero")
    return place, mark
