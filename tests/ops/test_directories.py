"""A data directory that cannot be used is told in a few lines, with status 2, and nothing in it is changed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from actorstream.log.client import EmbeddedLog, open_producer
from actorstream.model.topic import Topic
from actorstream.ops.cli import main
from tests.ops.commands import actorstream, told
from tests.ops.programs import NUMBERS

COMMANDS = [
    ["topics", "list"],
    ["topics", "describe", "t"],
    ["topics", "delete", "t"],
    ["groups", "list"],
    ["groups", "describe", "g"],
    ["checkpoints", "list"],
    ["consume", "t"],
    ["produce", "t"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_directory_that_is_not_there_is_told(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Looking does not make one."""
    data = tmp_path / "data"

    assert main([*command, "--data", str(data)]) == 2

    assert f"{data} is no data directory: it does not exist; say where" in capsys.readouterr().err
    assert not data.exists()


@pytest.mark.parametrize("command", [["topics", "list"], ["topics", "create", "t"], ["demo"]], ids=" ".join)
def test_a_directory_of_other_things_is_left_alone(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log is not begun among somebody's files, nor in place of one."""
    (tmp_path / "thesis.txt").write_text("")

    assert main([*command, "--data", str(tmp_path)]) == 2
    assert main([*command, "--data", str(tmp_path / "thesis.txt")]) == 2

    err = capsys.readouterr().err
    assert "it has other things in it" in err
    assert "it is a file" in err
    assert [one.name for one in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_second_run_is_refused_and_names_the_first(tmp_path: Path) -> None:
    """The process that holds the directory is named by its id."""
    (tmp_path / "job.py").write_text(NUMBERS)
    log = EmbeddedLog.open(tmp_path / "data")
    try:
        said = told(actorstream("run", "job.py", "--data", "data", cwd=tmp_path))
    finally:
        log.close()

    assert f"in use by process {os.getpid()}" in said


def test_others_talk_to_the_process_that_holds_the_directory(tmp_path: Path) -> None:
    """Topics, records, groups and checkpoints, while somebody else has the directory open."""
    log = EmbeddedLog.open(tmp_path / "data")
    try:
        made = actorstream("topics", "create", "t", "--data", "data", cwd=tmp_path)
        produced = actorstream("produce", "t", "--data", "data", cwd=tmp_path, stdin='{"n": 1}\n')
        consumed = actorstream("consume", "t", "--group", "g", "--data", "data", cwd=tmp_path)
        groups = actorstream("groups", "list", "--data", "data", cwd=tmp_path)
        checkpoints = actorstream("checkpoints", "list", "--data", "data", cwd=tmp_path)
    finally:
        log.close()

    assert [one.returncode for one in (made, produced, consumed, groups, checkpoints)] == [0] * 5
    assert consumed.stdout == '{"n":1}\n'
    assert groups.stdout.splitlines()[1].split() == ["g", "consumers", "t", "0"]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A data directory with records in topic `t`."""
    data = tmp_path / "data"
    with open_producer(str(data)) as producer:
        for batch in range(3):
            producer.send_many(Topic("t"), [f"{batch} {number} some text" for number in range(100)])
            producer.flush()
    return data


def test_damaged_records_are_told_with_file_and_position(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was written before them is not taken for the end of the log."""
    segment = next((written / "log" / "t-0").glob("*.log"))
    content = bytearray(segment.read_bytes())
    content[200] ^= 0xFF
    segment.write_bytes(content)

    status = main(["consume", "t", "--data", str(written)])

    err = capsys.readouterr().err
    assert status == 2
    assert str(segment) in err
    assert "corrupt" in err
    assert len(err.splitlines()) <= 6
    assert segment.read_bytes() == content


def test_a_directory_of_a_newer_version_is_told(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not opened, and the message says what to do."""
    identity = written / "nodes" / "1" / "node.json"
    identity.write_text(json.dumps({**json.loads(identity.read_text()), "format": 99}))

    assert main(["topics", "list", "--data", str(written)]) == 2

    err = capsys.readouterr().err
    assert "format version 99 is newer" in err
    assert "upgrade actorstream" in err


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A file system of a megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_told(small_disk: Path, tmp_path: Path) -> None:
    """Nothing of the last write is kept, and what was there can be read."""
    actorstream("topics", "create", "t", "--data", str(small_disk / "data"), cwd=tmp_path)
    lines = "".join(f'"{"x" * 1000} {number}"\n' for number in range(3000))

    said = told(actorstream("produce", "t", "--data", str(small_disk / "data"), cwd=tmp_path, stdin=lines))

    assert "no space left on the disk" in said
    assert actorstream("consume", "t", "--data", str(small_disk / "data"), cwd=tmp_path).returncode == 0
