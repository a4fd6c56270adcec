"""`actorstream actors`: the tree of a running process, and what is said when none runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actorstream import App
from actorstream.log.client import open_producer
from actorstream.ops.cli import main
from tests.ops.commands import actorstream


def job(values: int, directory: str) -> App:
    """A job with a stateful task, and its input."""
    app = App("sums")
    numbers, sums = app.topic("numbers", int), app.topic("sums")
    with open_producer(directory) as producer:
        producer.send_many(numbers, list(range(values)))
    keyed = app.stream(numbers).key_by(lambda number: number % 10, name="digit")
    keyed.reduce(lambda one, other: one + other, name="sum").to(sums)
    return app


def test_the_tree_of_a_running_job_is_shown(tmp_path: Path) -> None:
    """Log and job with states, restarts, mailboxes; tasks that send to others with their credit."""
    app = job(100, str(tmp_path / "data"))
    running = app.start(data=str(tmp_path / "data"))
    try:
        shown = actorstream("actors", "--data", "data", cwd=tmp_path)
        told = actorstream("actors", "--format", "json", "--data", "data", cwd=tmp_path)
    finally:
        running.stop()

    assert (shown.returncode, shown.stderr) == (0, "")
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines[0] == ["ACTOR", "STATE", "RESTARTS", "MAILBOX", "CREDIT", "NODE", "REASON"]
    rows = {line[0]: line[1:] for line in lines[1:]}
    assert rows["log"][:3] == ["running", "0", "0"]
    assert rows["job-sums"][0] == "running"
    left, _, window = rows["numbers[0]"][3].replace(",", "").partition("/")
    assert 0 <= int(left) <= int(window)
    picture = json.loads(told.stdout)
    assert [actor["path"] for actor in picture["actors"]] == ["log", "job-sums"]
    assert picture["dead_letters"] == 0


def test_a_directory_where_nothing_runs_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and what to do."""
    data = str(tmp_path / "data")
    job(1, data)

    assert main(["actors", "--data", data]) == 2

    assert capsys.readouterr().err == (
        f"actorstream: nothing runs in {data}; start a job there, or say where one runs with --data DIR\n"
    )
