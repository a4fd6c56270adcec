"""`import actorstream` is quick, because what takes long is imported by the one who needs it.

Seconds depend on the machine, so this looks at what is imported, not at how long it takes.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house.source import ROOT, entry_points

HEAVY = ("aiokafka", "duckdb", "hypothesis", "numpy", "pandas", "polars", "pyarrow", "pytest", "rich", "thespian")
"""Each takes between 30 and 500 ms to import."""


def _imports_of(module: str) -> set[str]:
    """The packages that a fresh interpreter has imported after `import module`."""
    code = f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_import_actorstream_imports_nothing_heavy() -> None:
    """A program that imports actorstream pays for columns, Kafka's codec, terminals and processes when it uses them."""
    assert _imports_of("actorstream").intersection(HEAVY) == set()


@pytest.mark.parametrize("module", sorted(entry_points() - {"actorstream.__main__"}))
def test_entry_points_import_nothing_heavy(module: str) -> None:
    """The command answers `--help` at once, and the pytest plugin does not slow down tests that do not use it."""
    wanted_by_itself = {"pytest"} if module.endswith("pytest_plugin") else set()

    assert _imports_of(module).intersection(HEAVY) - wanted_by_itself == set()
