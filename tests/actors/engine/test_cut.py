"""Two hosts, as network namespaces, and a cable between them that is cut."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.actors.engine.guests import ENTRY
from tests.house.source import ROOT

PROGRAM = """
import sys, subprocess
from pathlib import Path
from tests.actors.engine.group import running, wait_until
from tests.actors.engine.guests import Deed

cut, member = sys.argv[1].split("|"), sys.argv[2].split("|")
host = {"address": "10.9.0.1", "port": 7001, "name": "alpha", "secret": b"a secret of 25 characters"}
with running(is_open=True, **host) as (engine, listener):
    engine.start_node(Deed(1))
    listener.pids(1)
    other = subprocess.Popen(member)
    while listener.next()[0] != "hosts":
        pass
    engine.start_node(Deed(2), {"host": "beta"})
    (pid,) = listener.pids(2)
    subprocess.run(cut, check=True)
    event = listener.next()
    assert event[:2] == ("exited", 2), event
    assert not Path(f"/proc/{pid}").exists()
    other.terminate()
    other.wait()
"""


@pytest.mark.slow
def test_a_node_that_cannot_be_reached_ends_before_it_is_said_to_have(hosts: tuple[str, str], tmp_path: Path) -> None:
    """When the cable is cut, the node there ends itself, and only then is its end reported here."""
    near, far = hosts
    (tmp_path / "secret").write_text("a secret of 25 characters")
    cut = ["ip", "-n", far, "link", "set", "far", "down"]
    member = ["ip", "netns", "exec", far, sys.executable, "-m", "actorstream.actors.engine.member"]
    member += ["--join", "10.9.0.1:7001", "--address", "10.9.0.2", "--name", "beta", "--entry", ENTRY]
    member += ["--secret-file", str(tmp_path / "secret")]

    subprocess.run(
        ["ip", "netns", "exec", near, sys.executable, "-c", PROGRAM, "|".join(cut), "|".join(member)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=100,
    )
