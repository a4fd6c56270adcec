"""Data directories: held by one process, named once, and refused when a newer version wrote them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from actorstream.errors import BadInput, DirectoryInUse, UnsupportedFormat
from actorstream.host import Entropy, MemoryDisk
from actorstream.log.directory import DataDirectory
from actorstream.log.holding import EmbeddedLog

HOLD = """
import sys
from actorstream.log.directory import DataDirectory
held = DataDirectory.open(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_the_holder_is_named(tmp_path) -> None:
    """A second process is refused, and told who it is."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"

        with pytest.raises(DirectoryInUse, match=str(other.pid)):
            DataDirectory.open(tmp_path)

        other.kill()
        other.wait()
        DataDirectory.open(tmp_path).close()


def test_the_identity_is_written_once(tmp_path) -> None:
    """The file says which directory this is, and in which format."""
    first = DataDirectory.open(tmp_path / "new" / "data")
    first.close()
    again = DataDirectory.open(tmp_path / "new" / "data")
    again.close()

    assert again.identity == first.identity
    node = json.loads((tmp_path / "new" / "data" / "nodes" / "1" / "node.json").read_text())
    assert (node["node_id"], node["format"], len(node["cluster_id"])) == (1, 1, 32)
    assert (tmp_path / "new" / "data" / "LOCK").read_text() == f"{os.getpid()}\n"


def test_a_newer_format_is_refused(tmp_path) -> None:
    """Before anything in the directory is touched; and the lock is free again."""
    DataDirectory.open(tmp_path).close()
    node = tmp_path / "nodes" / "1" / "node.json"
    node.write_text('{"format": 7, "whatever": 1}')

    for _ in range(2):
        with pytest.raises(UnsupportedFormat, match="7"):
            DataDirectory.open(tmp_path)


def test_a_file_is_no_data_directory(tmp_path) -> None:
    """A person's mistake gets one clear line."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(BadInput, match="cannot be a data directory"):
        DataDirectory.open(tmp_path / "file")
    with pytest.raises(BadInput, match="no data directory"):
        DataDirectory.open(tmp_path / "none", create=False)


def test_a_simulated_disk_has_an_identity_too() -> None:
    """It survives a crash of the host, and the boot id follows the machine."""
    disk = MemoryDisk()
    first = DataDirectory.on(disk, Entropy(1), boot_id="a").identity
    disk.crash_host(Entropy(2))

    second = DataDirectory.on(disk, Entropy(3), boot_id="b").identity

    assert (second.directory_id, second.boot_id) == (first.directory_id, "b")


def test_one_process_shares_one_log(tmp_path) -> None:
    """By real path; the last to close it frees the directory."""
    (tmp_path / "link").symlink_to(tmp_path / "data")
    first, second = EmbeddedLog.open(tmp_path / "data"), EmbeddedLog.open(tmp_path / "link")
    assert first is second

    first.close()
    with pytest.raises(DirectoryInUse):
        DataDirectory.open(tmp_path / "data")
    second.close()
    DataDirectory.open(tmp_path / "data").close()
