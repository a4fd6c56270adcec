"""One seed gives one run, whatever Python makes of hashes and addresses."""

from __future__ import annotations

from actorstream.host.logs import silence
from actorstream.testing.faults import Faults
from actorstream.testing.life import Life
from actorstream.testing.subject import Subject
from tests.hashes import printed
from tests.simulation import workloads

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
    found = printed("from tests.simulation.test_same_trace import digests; print(digests())")

    assert len(found) == 1
    assert len(set(found[0].split())) == 3 * len(SEEDS)
