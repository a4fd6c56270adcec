"""`actorstream run`: a job from its start to its end, stopped, killed, and failing."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from actorstream import Record
from actorstream.log.client import open_consumer, open_producer
from actorstream.model.topic import Topic
from actorstream.ops.cli import main
from tests.ops.commands import actorstream, start, told
from tests.ops.programs import INVERSE, NUMBERS, SLOW_TO_LOAD, STUCK, TUMBLING

SECONDS_MAX = 60
DATA = "actorstream-data"


class Number(Record):
    n: int


class Tick(Record):
    at: datetime


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: a program in it, and ten numbers in the program's data directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.py").write_text(NUMBERS)
    with open_producer(DATA) as producer:
        producer.send_many(Topic("numbers", Number, partitions=2), [Number(n) for n in range(10)])
    assert main(["topics", "create", "doubled"]) == 0
    return tmp_path


def consumed(topic: str = "doubled") -> list[Any]:
    with open_consumer(topic, data=DATA) as records:
        return sorted(record.value["n"] for record in records)


DOUBLED = [n * 2 for n in range(10)]


def test_a_run_until_caught_up_processes_what_is_there_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says how much that was; running it again finds nothing to do."""
    command = ["run", "job.py", "--until", "caught_up"]

    assert main(command) == 0
    out, first = capsys.readouterr()
    assert main(command) == 0
    second = capsys.readouterr().err

    assert out == ""
    assert "doubling: 10 records in, " in first
    assert " 0 open windows left, 0 late records" in first
    assert "doubling: 0 records in, " in second
    assert consumed() == DOUBLED


def test_windows_that_stay_open_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`caught_up` leaves them in the state; `end` closes them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.py").write_text(TUMBLING)
    with open_producer(DATA) as producer:
        for second in (1, 11):
            producer.send(Topic("ticks", Tick), Tick(datetime(2024, 1, 1, second=second, tzinfo=UTC)))

    assert main(["run", "job.py", "--until", "caught_up"]) == 0
    after_first = consumed("counts")
    assert main(["run", "job.py", "--until", "end"]) == 0

    first, second = (line for line in capsys.readouterr().err.splitlines() if "records in" in line)
    assert " 1 open window left" in first
    assert after_first == [1]
    assert " 0 open windows left" in second
    assert consumed("counts") == [1, 1]


def test_late_records_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that came after their window was final."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.py").write_text(TUMBLING)
    with open_producer(DATA) as producer:
        for second in (1, 31, 2, 3, 32):
            producer.send(Topic("ticks", Tick), Tick(datetime(2024, 1, 1, second=second, tzinfo=UTC)))

    assert main(["run", "job.py", "--until", "end"]) == 0

    assert " 2 late records" in capsys.readouterr().err
    assert consumed("counts") == [1, 2]


def test_a_failing_operator_is_shown_with_record_and_line(place: Path) -> None:
    """Which operator, which record, from where, on which line of the program, and why; status 1."""
    (place / "job.py").write_text(INVERSE)

    said = told(actorstream("run", "job.py", "--until", "caught_up", cwd=place), status=1)

    lines = said.splitlines()[-5:]
    assert lines[0] == "actorstream: operator 'double' failed"
    assert lines[1] == "  record  Number(n=0)"
    assert lines[2].startswith("  from    numbers-")
    assert "@" in lines[2]
    assert lines[3] == "  at      job.py:13 in double: return Number(100 // number.n)"
    assert lines[4].startswith("  error   ZeroDivisionError: ")


def test_a_mended_program_goes_on_where_it_failed(place: Path) -> None:
    """Nothing of the failed attempt is seen, and nothing is lost."""
    (place / "job.py").write_text(INVERSE)
    assert main(["run", "job.py", "--until", "caught_up"]) == 1
    (place / "job.py").write_text(NUMBERS)

    assert main(["run", "job.py", "--until", "caught_up"]) == 0
    assert consumed() == DOUBLED


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_an_interrupted_job_commits_and_ends_well(number: signal.Signals, place: Path) -> None:
    """What was read is in the output, once; the next run goes on from there."""
    with _running(place) as job:
        assert job.stderr is not None
        assert "job doubling runs" in job.stderr.readline()
        seen = _first_ten("doubled")
        job.send_signal(number)
        _, said = job.communicate(timeout=SECONDS_MAX)

    assert seen == DOUBLED
    assert job.returncode == 0, said
    assert "doubling: 10 records in, " in said
    assert consumed() == DOUBLED


def test_a_killed_job_loses_nothing_and_repeats_nothing(place: Path) -> None:
    """SIGKILL; the directory is free at once, and the next run finishes the work."""
    with _running(place) as job:
        assert job.stderr is not None
        assert "job doubling runs" in job.stderr.readline()
        job.kill()
        job.communicate(timeout=SECONDS_MAX)

    assert main(["run", "job.py", "--until", "caught_up"]) == 0
    assert consumed() == DOUBLED


def test_an_interrupt_while_the_program_loads_ends_well(place: Path) -> None:
    """There is nothing to drain yet."""
    (place / "job.py").write_text(SLOW_TO_LOAD)
    with _running(place) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "loading\n"
        job.send_signal(signal.SIGINT)
        _, said = job.communicate(timeout=SECONDS_MAX)

    assert (job.returncode, said) == (0, "")


def test_a_second_interrupt_ends_a_job_that_does_not_drain(place: Path) -> None:
    """At once, by the signal."""
    (place / "job.py").write_text(STUCK)
    with _running(place) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "stuck\n"
        while job.poll() is None:
            job.send_signal(signal.SIGINT)
            _has_ended_soon(job)

    assert job.returncode == -signal.SIGINT


def test_an_interrupted_producer_ends_well(place: Path) -> None:
    """What it was given is written, and counted."""
    producer = start("produce", "numbers", cwd=place)
    assert producer.stdin is not None
    producer.stdin.write('{"n": 10}\n')
    producer.stdin.flush()
    with open_consumer("numbers", data=DATA, follow=True) as records:
        assert len(list(islice(records, 11))) == 11
    producer.send_signal(signal.SIGINT)
    _, said = producer.communicate(timeout=SECONDS_MAX)

    assert (producer.returncode, said) == (0, "1 record written into numbers\n")


def test_an_interrupted_follower_ends_well(place: Path) -> None:
    """What it has shown counts as read by its group; the last record may come again, if the signal was quicker."""
    follower = start("consume", "numbers", "--follow", "--group", "g", cwd=place)
    assert follower.stdout is not None
    shown = [follower.stdout.readline() for _ in range(10)]
    follower.send_signal(signal.SIGINT)
    rest, said = follower.communicate(timeout=SECONDS_MAX)

    assert (follower.returncode, rest, said) == (0, "", "")
    assert len(set(shown)) == 10
    with open_consumer("numbers", data=DATA, group="g") as records:
        assert [record.value for record in records] in ([], [{"n": 9}])


def test_a_terminal_shows_rates_and_lag(place: Path) -> None:
    """A picture that is drawn anew, on standard error alone, and a summary in its place at the end."""
    terminal, other_end = pty.openpty()
    job = start("run", "job.py", cwd=place, stderr=other_end)
    os.close(other_end)
    shown = b""
    while b"doubling: running" not in shown:
        shown += os.read(terminal, 4096)
    job.send_signal(signal.SIGINT)
    with suppress(OSError):  # The terminal of a process that has ended.
        while data := os.read(terminal, 4096):
            shown += data
    out, _ = job.communicate(timeout=SECONDS_MAX)
    os.close(terminal)

    assert (job.returncode, out) == (0, "")
    for word in (b"numbers", b"a second", b"behind", b"open windows; Ctrl-C ends it", b"doubling: 10 records in"):
        assert word in shown


def _first_ten(topic: str) -> list[int]:
    """Ten values of a topic that another process fills; it holds the data directory."""
    with open_consumer(topic, data=DATA, follow=True) as records:
        return sorted(record.value["n"] for record in islice(records, 10))


def _has_ended_soon(job: subprocess.Popen[str]) -> None:
    try:
        job.wait(timeout=0.1)
    except subprocess.TimeoutExpired:
        return


@contextmanager
def _running(place: Path) -> Iterator[subprocess.Popen[str]]:
    """A job in the background; killed if the test leaves it behind."""
    job = start("run", "job.py", cwd=place)
    try:
        yield job
    finally:
        job.kill()
        job.wait()
