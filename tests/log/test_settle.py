"""What a job's log decided is visible after a start, whether or not its markers were written before the kill."""

from __future__ import annotations

import pytest
from log_makers import make_batch, values_of

from actorstream.actors import ActorSystem
from actorstream.host import Entropy, Host, MemoryDisk, VirtualClock
from actorstream.log.addresses import catalogue_ref, partition_ref
from actorstream.log.decisions import Cut, Decision, Done, Epoch, encode_decision, job_topic
from actorstream.log.embedded import start_log
from actorstream.log.messages import (
    AllocateProducerIds,
    Append,
    CreateTopic,
    Fetch,
    Fetched,
    ListOffsets,
    OffsetsListed,
    OpenEpoch,
    Settled,
    WriteMarkers,
)
from actorstream.log.settle import settle
from actorstream.model.topic import TopicSpec

OUT = partition_ref("out", 0)
JOB = partition_ref(job_topic("j"), 0)


def start(host: Host) -> ActorSystem:
    system = ActorSystem(runtime="simulation", seed=1, host=host)
    start_log(system)
    return system


def decide(system: ActorSystem, decision: Decision) -> None:
    system.ask(JOB, Append(make_batch(encode_decision(decision)), flush=True))


def run_job(system: ActorSystem) -> int:
    """A job that wrote `a`, decided it, wrote `b`, and was killed before any marker; its first producer id."""
    for spec in (TopicSpec("out"), TopicSpec(job_topic("j"), internal=True)):
        system.ask(catalogue_ref(), CreateTopic(spec))
    first = system.ask(catalogue_ref(), AllocateProducerIds(2, "j")).first
    decide(system, Epoch(1, 1, {"task": ()}, {"lane": first}, ("out",), 0, "hash", "start", 0))
    system.ask(OUT, OpenEpoch("j", 1, (first, first + 1)))
    write(system, first + 1, b"a")
    decide(system, Done(1, 1, "hash", 0, sinks={"out-0": {"lane": Cut(1, 0, 0)}}))
    write(system, first, b"b")
    return first


def write(system: ActorSystem, producer_id: int, value: bytes) -> None:
    batch = make_batch(value, producer_id=producer_id, producer_epoch=1, base_sequence=0, transactional=True)
    system.ask(OUT, Append(batch))


def visible(system: ActorSystem) -> list[bytes]:
    answer = system.ask(OUT, Fetch(0))
    assert isinstance(answer, Fetched)
    assert answer.aborted == ()
    return values_of(answer.batches)


@pytest.mark.parametrize("marked", [False, True])
def test_a_start_writes_the_markers_that_a_job_owes(marked) -> None:
    """What was decided is visible, what was not is not; again does no harm."""
    host = Host(VirtualClock(), Entropy(1), MemoryDisk())
    system = start(host)
    first = run_job(system)
    if marked:
        system.ask(OUT, WriteMarkers(((first + 1, 1),), commit=True))
    system.abandon()

    with start(host) as again:
        settle(again)

        listed = again.ask(OUT, ListOffsets())
        assert isinstance(listed, OffsetsListed)
        assert listed.high_watermark == 3
        assert visible(again) == [b"a"]


def test_what_a_newer_epoch_ended_is_not_ended_again() -> None:
    """The next epoch aborted what was undecided, and writes with the same ids."""
    host = Host(VirtualClock(), Entropy(1), MemoryDisk())
    system = start(host)
    first = run_job(system)
    history = Epoch(2, 4, {"task": ()}, {"lane": first}, ("out",), 0, "hash", "restart", 0)
    decide(system, history)
    system.ask(OUT, OpenEpoch("j", 2, (first, first + 1), (Settled(first + 1, 1, 0, 0),)))
    batch = make_batch(b"c", producer_id=first + 1, producer_epoch=2, base_sequence=0, transactional=True)
    system.ask(OUT, Append(batch))
    system.abandon()

    with start(host) as again:
        answer = again.ask(OUT, Fetch(0))
        assert answer.aborted == ((first, 1),)
        assert answer.last_stable_offset == 4
        assert answer.high_watermark == 5
