"""What users install is what is in the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.house.source import ROOT

NEEDED_TO_BUILD = ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.cfg")

BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """A wheel built from a copy of the checkout, so that the checkout stays as it is."""
    pytest.importorskip("setuptools", minversion="77", reason="pyproject.toml asks for setuptools 77 or newer")
    source = tmp_path_factory.mktemp("checkout")
    target = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "actorstream", source / "actorstream", ignore=shutil.ignore_patterns("__pycache__"))
    for name in NEEDED_TO_BUILD:
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-c", BUILD, str(target)], cwd=source, capture_output=True, check=True)
    return ZipFile(next(target.glob("*.whl")))


def test_the_wheel_holds_every_file_of_the_package(wheel: ZipFile) -> None:
    """Modules and data (tables of the demo, the mark that types are inline): each is installed."""
    files = (path.relative_to(ROOT) for path in (ROOT / "actorstream").rglob("*") if path.is_file())
    expected = {path.as_posix() for path in files if _belongs(path)}

    assert expected - set(wheel.namelist()) == set()


def test_the_wheel_holds_nothing_else(wheel: ZipFile) -> None:
    """Neither tests nor examples land in the user's environment."""
    roots = {name.partition("/")[0].partition("-")[0] for name in wheel.namelist()}

    assert roots == {"actorstream"}


def test_the_wheel_carries_the_licence(wheel: ZipFile) -> None:
    """The full text of the licence is in the wheel's metadata."""
    (licence,) = [name for name in wheel.namelist() if name.endswith("LICENSE")]

    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()


def _belongs(path: Path) -> bool:
    return "__pycache__" not in path.parts and path.suffix != ".pyc"
