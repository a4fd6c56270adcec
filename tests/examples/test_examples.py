"""Every example runs, as a reader would run it: alone, in an empty directory, by its file's name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

SECONDS_MAX = 120


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_to_its_end(example: Path, tmp_path: Path) -> None:
    """It exits with status 0; where an `.out` file of the same name lies beside it, it prints exactly that."""
    command = [sys.executable, str(example)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )

    assert done.returncode == 0, done.stderr
    expected = example.with_suffix(".out")
    assert not expected.exists() or done.stdout == expected.read_text(encoding="utf-8")
