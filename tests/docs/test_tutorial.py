"""The tutorial's programs do what the tutorial says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
CONSOLE = re.findall(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", TUTORIAL, re.MULTILINE)
NAMES = ("hot_items.py", "make_bids.py", "test_hot_items.py", "best_bids.py", "test_best_bids.py")


@pytest.fixture
def typed(tmp_path: Path) -> Path:
    """A directory with what a reader has typed in."""
    for name, text in zip(NAMES, PROGRAMS, strict=False):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_plan_is_the_one_that_is_shown(typed: Path) -> None:
    """`actorstream explain` draws it."""
    ran = _python(typed, "-m", "actorstream", "explain", "hot_items.py")

    assert ran.stdout == _shown("actorstream explain hot_items.py")


def test_the_bids_give_the_results_that_are_shown(typed: Path) -> None:
    """Produced from a program's output, run to the end, consumed."""
    bids = _python(typed, "make_bids.py").stdout
    _python(typed, "-m", "actorstream", "topics", "create", "bids", "--partitions", "4")
    _python(typed, "-m", "actorstream", "produce", "bids", given=bids)
    _python(typed, "-m", "actorstream", "run", "hot_items.py", "--until", "end")

    ran = _python(typed, "-m", "actorstream", "consume", "hot-items", "--max", "4")

    assert ran.stdout == _shown("actorstream consume hot-items --max 4")


def test_the_tests_pass(typed: Path) -> None:
    """Those of the program that is right."""
    ran = _python(typed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_hot_items.py")

    assert "3 passed" in ran.stdout


def test_the_program_that_cheats_is_found_out(typed: Path) -> None:
    """By the seed, and with the difference, that are shown."""
    ran = _python(typed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_best_bids.py", fails=True)

    found = re.search(r"SimulationFailed: (seed 0: .*?missing: Bid)", ran.stdout)
    assert found is not None
    assert found[1] in TUTORIAL


def test_the_readme_shows_the_same_program() -> None:
    """Whoever begins with the one can go on with the other."""
    assert PROGRAMS[0] in (ROOT / "README.md").read_text(encoding="utf-8")


def _shown(command: str) -> str:
    """What the tutorial shows below a command."""
    return str(dict(CONSOLE)[command])


def _python(directory: Path, *arguments: str, given: str = "", fails: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    ran = subprocess.run(command, cwd=directory, input=given, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode != 0) == fails, ran.stdout + ran.stderr
    return ran
