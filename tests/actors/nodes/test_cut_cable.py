"""When the cable between two hosts is cut, the far node has ended itself before its actors begin here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

PROGRAM = str(Path(__file__).with_name("cut_program.py"))


@pytest.mark.slow
def test_actors_behind_a_cut_begin_again_here(hosts: tuple[str, str], tmp_path: Path) -> None:
    """Watchers are told `Lost`, the far process is gone by then, its actors run here, and it comes back later."""
    near, far = hosts
    (tmp_path / "secret").write_text("a secret of 25 characters")
    cable = f"ip|-n|{far}|link|set|far"
    member = ["ip", "netns", "exec", far, sys.executable, "-m", "actorstream", "node", "--join", "10.9.0.1:7001"]
    member += ["--address", "10.9.0.2", "--name", "beta", "--secret-file", str(tmp_path / "secret")]
    member += ["--capability", "zone=a"]
    command = ["ip", "netns", "exec", near, sys.executable, PROGRAM, str(tmp_path / "secret")]

    subprocess.run(
        [*command, f"{cable}|down", f"{cable}|up", "|".join(member)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=150,
    )
