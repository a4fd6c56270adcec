"""What jobs owe: markers that their logs decided and a crash kept from the partitions.

Guarantees: after `settle` whatever a job's last decision committed is visible to readers of committed records. What
nothing decided stays undecided: only the job's next epoch may end it. Repeating it does no harm.
"""

from __future__ import annotations

from actorstream.actors import ActorSystem, Message
from actorstream.log.addresses import catalogue_ref, partition_ref
from actorstream.log.answers import answer_of
from actorstream.log.decisions import PREFIX, History, decode_decision
from actorstream.log.decoder import RawDecoder
from actorstream.log.messages import (
    DescribeTopics,
    EpochOpened,
    Fetch,
    Fetched,
    MarkersWritten,
    TopicsDescribed,
)

_TIMEOUT = "30s"


def settle(system: ActorSystem) -> None:
    """Write the markers that jobs owe; to be called before anybody reads.

    Raises:
        ActorstreamError: a job's log, or a partition that it wrote to, cannot be read or written.
    """
    asked = DescribeTopics(internal=True)
    specs = {spec.name: spec for spec in answer_of(_ask(system, asked), TopicsDescribed).specs}
    for name in specs:
        if not name.startswith(PREFIX):
            continue
        history = read_history(system, name)
        for topic in history.sink_topics:
            for number in range(specs[topic].partitions if topic in specs else 0):
                _settle_partition(system, name.removeprefix(PREFIX), history, topic, number)


def _settle_partition(system: ActorSystem, job: str, history: History, topic: str, number: int) -> None:
    """Commit what was decided, and abort what an ended epoch left undecided."""
    partition = partition_ref(topic, number)
    where = f"{topic}-{number}"
    answer_of(system.ask(partition, history.markers(where), timeout=_TIMEOUT), MarkersWritten)
    for opening in history.openings(job, where):
        answer_of(system.ask(partition, opening, timeout=_TIMEOUT), EpochOpened)


def read_history(system: ActorSystem, job_topic: str) -> History:
    """What a job's log says, read to its end.

    Raises:
        ActorstreamError: it cannot be read.
    """
    history, decoder, offset = History(), RawDecoder(), 0
    while True:
        answer = system.ask(partition_ref(job_topic, 0), Fetch(offset, committed=False), timeout=_TIMEOUT)
        fetched = answer_of(answer, Fetched)
        if fetched.next_offset == offset:
            return history
        for at, _, value in decoder.decode(fetched):
            history.apply(decode_decision(value or b"", f"{job_topic}-0 at offset {at}"), at)
        offset = fetched.next_offset


def _ask(system: ActorSystem, message: Message) -> Message:
    return system.ask(catalogue_ref(), message, timeout=_TIMEOUT)
