"""Which files a path means: one file, the files of a directory, or what a glob matches; always in name order.

A name is relative to the directory that the path fixes, so that a position survives a move of the whole.
"""

from __future__ import annotations

import glob
import os

from actorstream.errors import BadInput


class Paths:
    """The files of a source.

    Args:
        path: a file, a directory, or a glob (`*`, `?`, `[...]`, and `**` for any directories).
        endings: which files of a directory are meant; hidden ones never are.
        may_be_empty: whether a glob may match nothing, because files may come.
    """

    def __init__(self, path: str, endings: tuple[str, ...], *, may_be_empty: bool) -> None:
        self.path, self._endings, self._may_be_empty = path, endings, may_be_empty
        self._pattern = ""
        if os.path.isdir(path):
            self._root = path
        elif glob.has_magic(path) and not os.path.exists(path):
            self._root, self._pattern = _split(path)
        else:
            self._root = os.path.dirname(path)

    def names(self) -> list[str]:
        """The names of the files that are there, sorted.

        Raises:
            BadInput: there is nothing at the path, or nothing of this kind.
        """
        try:
            return self._names()
        except OSError as error:
            raise BadInput(f"{self.path} cannot be read: {os.strerror(error.errno or 0)}") from error

    def _names(self) -> list[str]:
        if self._pattern:
            return self._matching()
        if os.path.isdir(self.path):
            return self._in_directory()
        if not os.path.exists(self.path):
            raise BadInput(f"there is no file {self.path} (seen from {os.getcwd()}); correct the path")
        if not os.path.isfile(self.path):
            raise BadInput(f"{self.path} is neither a file nor a directory; give the path of one")
        return [os.path.basename(self.path)]

    def _matching(self) -> list[str]:
        found = glob.glob(self._pattern, root_dir=self._root or None, recursive=True)
        names = sorted(name for name in found if os.path.isfile(self.at(name)))
        if not names and not self._may_be_empty:
            raise BadInput(f"no file matches {self.path} (seen from {os.getcwd()}); correct the pattern")
        return names

    def _in_directory(self) -> list[str]:
        seen = [name for name in sorted(os.listdir(self.path)) if not name.startswith(".")]
        names = [name for name in seen if name.endswith(self._endings) and os.path.isfile(self.at(name))]
        if seen and not names:
            raise BadInput(
                f"the directory {self.path} has no file that ends in {' or '.join(self._endings)}, but {seen[0]!r}; "
                "to read files with other names, give a pattern such as 'directory/*'"
            )
        return names

    def at(self, name: str) -> str:
        """The path of a name."""
        return os.path.join(self._root, name)


def _split(path: str) -> tuple[str, str]:
    """The directory before the first part with a wildcard, and the rest."""
    root, rest = path, ""
    while glob.has_magic(root):
        root, last = os.path.split(root)
        rest = os.path.join(last, rest) if rest else last
    return root, rest
