"""Workers of a job, real processes, killed with SIGKILL: what is committed is what an undisturbed run commits."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from actorstream import App, Record
from actorstream.log.client import open_consumer, open_producer
from tests.ops.commands import start

NUMBERS, KEYS, KILLS = 60_000, 20, 3
SECONDS_MAX = 90

PROGRAM = """
import os
import time
from pathlib import Path

from actorstream import App, Record

app = App("sums")


class Total(Record):
    key: int
    total: int


numbers = app.topic("numbers", int, partitions=2)


def add(total: Total, other: Total) -> Total:
    Path(f"pids/{os.getpid()}").touch()
    return Total(total.key, total.total + other.total)


@app.stream(numbers).map
def one(number: int) -> Total:
    if number % 500 == 0 and not Path("calm").exists():
        time.sleep(0.2)  # Nothing ends before all kills are done.
    return Total(number % KEYS, number)


one.key_by("key").reduce(add, name="sum", parallelism=2).to(app.topic("totals", Total, partitions=2, key="key"))
""".replace("KEYS", str(KEYS))


class Total(Record):
    """As the program's."""

    key: int
    total: int


@pytest.mark.parametrize("state", ["memory", "rocksdb"])
def test_workers_killed_again_and_again_commit_each_result_once(tmp_path: Path, state: str) -> None:
    """Each time another process takes the place; per key every running sum is there, once, in order."""
    if state == "rocksdb":
        pytest.importorskip("rocksdict")
    chance = random.Random(7)
    (tmp_path / "pids").mkdir()
    (tmp_path / "job.py").write_text(PROGRAM)
    app = App("sums")
    numbers = app.topic("numbers", int, partitions=2)
    with open_producer(str(tmp_path / "data")) as producer:
        for number in range(NUMBERS):
            producer.send(numbers, number)
    command = ["run", "job.py", "--data", "data", "--workers", "2", "--until", "end", "--state", state]
    process = start(*command, cwd=tmp_path, stderr=subprocess.PIPE)
    try:
        killed = _kill_workers(tmp_path / "pids", process, chance)
        (tmp_path / "calm").touch()
        _, said = process.communicate(timeout=SECONDS_MAX)
    finally:
        process.kill()

    assert process.returncode == 0, said
    assert killed == KILLS
    found: dict[int, list[int]] = {}
    with open_consumer(app.topic("totals", Total, partitions=2, key="key"), data=str(tmp_path / "data")) as records:
        for record in records:
            found.setdefault(record.value.key, []).append(record.value.total)
    assert sum(map(len, found.values())) == NUMBERS
    for key, totals in found.items():
        assert totals == sorted(totals)
        assert totals[-1] == sum(range(key, NUMBERS, KEYS))


def _kill_workers(pids: Path, process: subprocess.Popen[str], chance: random.Random) -> int:
    """Kill a process that works, so many times; gives how often."""
    dead: set[int] = set()
    until = time.monotonic() + SECONDS_MAX
    while len(dead) < KILLS and process.poll() is None and time.monotonic() < until:
        working = sorted({int(one.name) for one in pids.iterdir()} - dead - {process.pid})
        if not working:
            time.sleep(0.02)
            continue
        time.sleep(chance.uniform(0.05, 0.4))
        victim = chance.choice(working)
        os.kill(victim, signal.SIGKILL)
        dead.add(victim)
        for one in pids.iterdir():
            one.unlink()  # Who works from now on says so again.
    return len(dead)
