"""Jobs whose operators run in processes of their own: programs are found there, and what goes wrong is told here."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from actorstream import App
from actorstream.errors import PlanError, UnknownTopic
from actorstream.log.client import open_consumer, open_producer
from tests.ops.commands import actorstream, start

SUMS = """
import os

from actorstream import App, Record

app = App("sums")


class Count(Record):
    digit: int
    pid: int


numbers = app.topic("numbers", int, partitions=2)


def digit(number: int) -> int:
    return number % 10


def last(before: Count, count: Count) -> Count:
    return Count(count.digit, os.getpid())


@app.stream(numbers).map
def count(number: int) -> Count:
    return Count(digit(number), os.getpid())


counts = app.topic("counts", Count, partitions=2)
count.key_by("digit").reduce(last, name="last", parallelism=2).to(counts)
"""

RUN = """
app.run(data="data", workers=2, until="end")
print("done", os.getpid())
"""


class Output:
    """What is in a topic."""

    @staticmethod
    def of(directory: Path) -> list[dict[str, int]]:
        """As plain data; nothing while there is no topic."""
        with suppress(UnknownTopic), open_consumer("counts", data=str(directory / "data")) as records:
            return [record.value for record in records]
        return []


def produce(directory: Path, count: int = 500) -> None:
    """The input."""
    numbers = App("sums").topic("numbers", int, partitions=2)
    with open_producer(str(directory / "data")) as producer:
        for number in range(count):
            producer.send(numbers, number)


def test_a_script_runs_with_workers_as_it_is(tmp_path: Path) -> None:
    """Without `if __name__ == "__main__"`: each worker reads it up to where it runs the job."""
    produce(tmp_path)
    (tmp_path / "job.py").write_text(SUMS + RUN)

    done = subprocess.run(
        [sys.executable, "job.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("done") == 1
    found = Output.of(tmp_path)
    assert len(found) == 500
    pids = {one["pid"] for one in found}
    assert len(pids) == 2  # Each has some of the keys.
    assert int(done.stdout.split()[1]) not in pids


def test_a_script_that_fills_its_topics_fills_them_once(tmp_path: Path) -> None:
    """What comes before the program's end happens here alone, if it opens a data directory."""
    fill = """
from actorstream.log.client import open_producer

with open_producer("data") as producer:
    for number in range(500):
        producer.send(numbers, number)
"""
    (tmp_path / "job.py").write_text(SUMS + fill + RUN)

    done = subprocess.run(
        [sys.executable, "job.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert len(Output.of(tmp_path)) == 500


def test_a_function_that_raises_is_told_with_its_line(tmp_path: Path) -> None:
    """As with one worker."""
    produce(tmp_path)
    (tmp_path / "job.py").write_text(SUMS.replace("return number % 10", "return number // (number - 77)"))

    said = [
        actorstream("run", "job.py", "--data", "data", "--until", "end", "--workers", workers, cwd=tmp_path)
        for workers in ("1", "2")
    ]

    assert [one.returncode for one in said] == [1, 1]
    assert "ZeroDivisionError" in said[0].stderr
    assert said[1].stderr == said[0].stderr


def test_what_a_worker_prints_is_seen(tmp_path: Path) -> None:
    """The sink `console()` writes where the command does."""
    (tmp_path / "job.py").write_text(
        "from actorstream import App\nfrom actorstream.connectors.console import console\n"
        "app = App('shown')\napp.stream([1, 2, 3]).map(lambda n: n * 11).to(console())\n"
    )

    done = actorstream("run", "job.py", "--data", "data", "--until", "end", "--workers", "2", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.strip().isdigit()] == ["11", "22", "33"]


def test_a_signal_drains_and_commits(tmp_path: Path) -> None:
    """And the next run goes on from there."""
    produce(tmp_path)
    (tmp_path / "job.py").write_text(SUMS)
    process = start("run", "job.py", "--data", "data", "--workers", "2", cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        while len(Output.of(tmp_path)) < 500:
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        process.kill()

    assert process.returncode == 0
    done = actorstream("run", "job.py", "--data", "data", "--workers", "3", "--until", "end", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(Output.of(tmp_path)) == 500


def test_state_is_read_from_the_worker_that_has_it(tmp_path: Path) -> None:
    """By `job.state`, as with one."""
    produce(tmp_path)
    look = """
job = app.start(data="data", workers=2)
while job.status().progress.get("last[1]") is None or sum(
    one.records_in for name, one in job.status().progress.items() if name.startswith("last")
) < 500:
    pass
print(job.state("last", 3).digit, job.why_open(job_end), job.savepoint("one") > 0)
job.stop()
"""
    head = "from datetime import UTC, datetime\njob_end = datetime(2024, 1, 1, tzinfo=UTC)\n"
    (tmp_path / "job.py").write_text(head + SUMS + look)

    done = subprocess.run(
        [sys.executable, "job.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 ")
    assert done.stdout.endswith("True\n")


def test_an_app_made_in_a_function_is_refused(tmp_path: Path) -> None:
    """Nobody else could find it; nothing is made in the data directory."""
    app = App("hidden")
    app.stream([1]).map(str, name="text").to(app.topic("texts", str))

    with pytest.raises(PlanError, match="make it at the top level of a file, or use workers=1"):
        app.run(data=str(tmp_path / "data"), workers=2)

    assert not (tmp_path / "data").exists()


def test_a_file_that_says_something_else_to_workers_is_refused(tmp_path: Path) -> None:
    """Such as one that asks the clock, or its process, what to compute."""
    produce(tmp_path)
    (tmp_path / "job.py").write_text(SUMS.replace('name="last"', 'name=f"last{os.getpid()}"'))

    done = actorstream("run", "job.py", "--data", "data", "--until", "end", "--workers", "2", cwd=tmp_path)

    assert done.returncode == 2
    assert "another version of this program" in done.stderr
