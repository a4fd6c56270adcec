"""Real processes killed with SIGKILL at random moments: what they commit is what an undisturbed run commits.

The moments come from a seed that a failure prints; to try one again: `ACTORSTREAM_KILL_SEED=123 pytest tests/kill`.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from actorstream import App
from actorstream.log.client import open_producer
from actorstream.ops.demo import job
from actorstream.testing.compare import difference
from tests.kill.killing import committed, killed_at_random
from tests.ops.commands import actorstream

DEMO_KILLS, FILES_KILLS = 10, 8
NUMBERS = 200_000

PROGRAM = """
import time

from actorstream import App
from actorstream.connectors import files

app = App("numbered")
numbers = app.topic("numbers", int, partitions=3)


@app.stream(numbers).map
def line(number: int) -> dict:
    if number % 1_000 == 0:
        time.sleep(0.02)  # So that a fast machine is not done before it is killed.
    return {"n": number}


line.to(files.jsonl("parts"))
"""


@pytest.fixture
def chance() -> random.Random:
    """Where the moments come from."""
    seed = int(os.environ.get("ACTORSTREAM_KILL_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"ACTORSTREAM_KILL_SEED={seed}")
    return random.Random(seed)


def test_the_demo_killed_ten_times_commits_what_an_undisturbed_one_does(tmp_path: Path, chance: random.Random) -> None:
    """While it fills its topics and while its job runs: per key the same sequence, over all keys the same records."""
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    done = actorstream("demo", "--data", str(calm), cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    times = killed_at_random(
        "demo", "--data", str(killed), cwd=tmp_path, kills=DEMO_KILLS, seconds=(0.3, 2.3), chance=chance
    )

    assert times >= 3
    for topic in (job.airport_days, job.carrier_delays, job.delay_alerts):
        assert difference(committed(topic, calm), committed(topic, killed)) is None


def test_files_of_a_job_that_is_killed_hold_each_record_once(tmp_path: Path, chance: random.Random) -> None:
    """A reader of the directory sees more after each kill, never less; nothing hidden is left at the end."""
    (tmp_path / "program.py").write_text(PROGRAM)
    with open_producer(str(tmp_path / "data")) as producer:
        topic = App("numbered").topic("numbers", int, partitions=3)
        for number in range(NUMBERS):
            producer.send(topic, number)
    seen: Counter[int] = Counter()

    def look() -> None:
        now = Counter(
            json.loads(line)["n"]
            for path in (tmp_path / "parts").glob("part-*")
            for line in path.read_text().splitlines()
        )
        assert not seen - now, "something was taken back"
        seen.update(now - seen)

    command = ("run", "program.py", "--data", "data", "--until", "end")
    times = killed_at_random(*command, cwd=tmp_path, kills=FILES_KILLS, seconds=(0.5, 1.8), chance=chance, after=look)

    look()
    assert times >= 2
    assert seen == Counter(range(NUMBERS))
    assert list((tmp_path / "parts").glob(".part-*")) == []
