"""Two hosts, as network namespaces, and a cable between them that is cut."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
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
with running(is_open=True, port=7001, address="10.9.0.1", name="alpha", secret=b"hush") as (engine, listener):
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


@pytest.fixture
def hosts() -> Iterator[tuple[str, str]]:
    """The names of two namespaces, connected."""
    ip = shutil.which("ip")
    near, far = f"near{os.getpid()}", f"far{os.getpid()}"
    if ip is None or subprocess.run([ip, "netns", "add", near], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("network namespaces cannot be made here")
    try:
        for command in (
            f"netns add {far}",
            f"link add near netns {near} type veth peer name far netns {far}",
            f"-n {near} addr add 10.9.0.1/24 dev near",
            f"-n {far} addr add 10.9.0.2/24 dev far",
            *(f"-n {name} link set {device} up" for name in (near, far) for device in ("lo", name.strip("0123456789"))),
        ):
            if subprocess.run([ip, *command.split()]).returncode:
                pytest.skip("network namespaces cannot be connected here")
        yield near, far
    finally:
        for name in (near, far):
            subprocess.run([ip, "netns", "del", name], stderr=subprocess.DEVNULL)


@pytest.mark.slow
def test_a_node_that_cannot_be_reached_ends_before_it_is_said_to_have(hosts: tuple[str, str], tmp_path: Path) -> None:
    """When the cable is cut, the node there ends itself, and only then is its end reported here."""
    near, far = hosts
    (tmp_path / "secret").write_text("hush")
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
