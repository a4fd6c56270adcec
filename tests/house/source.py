"""The project's own source, parsed once, for the tests of the house's rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Module:
    """One Python file of the package."""

    path: Path

    @cached_property
    def text(self) -> str:
        """The file's content."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """The file, parsed."""
        return ast.parse(self.text, filename=str(self.path))

    @property
    def name(self) -> str:
        """The name under which it is imported; a package's `__init__.py` has the package's name."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def is_package(self) -> bool:
        """Whether it is an `__init__.py`."""
        return self.path.name == "__init__.py"

    @property
    def storey(self) -> str:
        """The package below `actorstream` that it belongs to; empty for what lies directly in it."""
        parts = self.path.relative_to(ROOT / "actorstream").parts
        return parts[0] if len(parts) > 1 else ""

    def at(self, node: ast.AST, what: str) -> str:
        """A finding, as a person would look it up."""
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}: {what}"

    def remark(self, node: ast.stmt) -> str:
        """The comment on the first line of a statement, and the one on the line above it."""
        lines = self.text.splitlines()
        above = lines[node.lineno - 2].strip() if node.lineno > 1 else ""
        return (above if above.startswith("#") else "") + lines[node.lineno - 1].partition("#")[2]

    def imports(self) -> Iterator[tuple[ast.stmt, str]]:
        """Every dotted name that it imports, wherever in the file: `from a import b` gives `a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)

    def uses(self) -> Iterator[tuple[ast.AST, str]]:
        """Every dotted name that it mentions, spelled in full: after `import time as t`, `t.time` is `time.time`."""
        meaning = self._meaning_of_names()
        for node in ast.walk(self.tree):
            dotted = _dotted(node)
            if dotted:
                first, dot, rest = dotted.partition(".")
                yield node, meaning.get(first, first) + dot + rest

    def _meaning_of_names(self) -> dict[str, str]:
        meaning = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                meaning.update({alias.asname: alias.name for alias in node.names if alias.asname})
            elif isinstance(node, ast.ImportFrom):
                meaning.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        return meaning


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return before and f"{before}.{node.attr}"
    return ""


def _modules(directory: str) -> tuple[Module, ...]:
    paths = (ROOT / directory).rglob("*.py")
    return tuple(Module(path) for path in sorted(paths) if "__pycache__" not in path.parts)


PACKAGE = _modules("actorstream")
"""Every file of the package."""

AROUND = _modules("tests") + _modules("examples") + _modules("benchmarks")
"""Every file beside it."""


def entry_points() -> set[str]:
    """The modules that somebody starts from outside: setup.cfg's entry points, and `python -m`."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = "\n".join(setup["options.entry_points"].values()).split("\n")
    targets = (line.partition("=")[2].partition(":")[0].strip() for line in lines)
    return {"actorstream.__main__", "actorstream.actors.engine.member"} | {target for target in targets if target}
