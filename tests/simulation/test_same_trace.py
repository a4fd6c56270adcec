"""One seed gives one run, whatever Python makes of hashes and addresses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from actorstream.host.logs import silence
from actorstream.testing.faults import Faults
from actorstream.testing.life import Life
from actorstream.testing.subject import Subject
from tests.simulation import workloads

ROOT = Path(__file__).parents[2]
SEEDS = range(3)


def digests() -> str:
    """What identifies some runs of several jobs: their traces, step by step."""
    found = []
    for make in (workloads.words, workloads.windows, workloads.lookup):
        job = make()
        subject = Subject(job.app, job.inputs, None, None)
        with silence():
            found += [f"{Life(subject, seed, Faults.all(), 700).live().digest:016x}" for seed in SEEDS]
    return " ".join(found)


def test_a_seed_gives_the_same_run_whatever_the_hashes_are() -> None:
    """In processes of their own, with hashes of strings that differ, each seed's trace is the same to the last step."""
    command = [sys.executable, "-c", "from tests.simulation.test_same_trace import digests; print(digests())"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    found = {
        subprocess.run(
            command, env={**environment, "PYTHONHASHSEED": seed}, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout
        for seed in ("0", "1", "random")
    }

    assert len(found) == 1
    assert len(set(found.pop().split())) == 3 * len(SEEDS)
