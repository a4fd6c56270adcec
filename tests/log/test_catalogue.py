"""Topics and producer ids: made once, remembered, deleted for good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from log_makers import make_batch

from actorstream.actors import ActorSystem, Message
from actorstream.errors import Corrupt
from actorstream.host import Entropy, Host, MemoryDisk, VirtualClock
from actorstream.log.addresses import catalogue_ref, groups_ref, partition_ref
from actorstream.log.embedded import start_log
from actorstream.log.fences import JOB_PRODUCERS_FROM
from actorstream.log.messages import (
    AllocateProducerIds,
    Append,
    Appended,
    CommitOffsets,
    CreateTopic,
    DeleteTopic,
    DescribeTopics,
    FetchOffsets,
    ListGroups,
    ListOffsets,
    OffsetsCommitted,
    ProducerIdsAllocated,
    Refused,
    TopicCreated,
    TopicDeleted,
)
from actorstream.model.topic import TopicSpec


def start(host: Host) -> ActorSystem:
    system = ActorSystem(runtime="simulation", seed=3, host=host)
    start_log(system)
    return system


@pytest.fixture
def host() -> Host:
    return Host(VirtualClock(), Entropy(1), MemoryDisk())


@pytest.fixture
def system(host) -> Iterator[ActorSystem]:
    with start(host) as system:
        yield system


def ask(system: ActorSystem, message: Message) -> Message:
    return system.ask(catalogue_ref(), message, timeout="30s")


def names(system: ActorSystem) -> list[str]:
    return [spec.name for spec in ask(system, DescribeTopics()).specs]


def test_a_topic_is_made_once(system) -> None:
    """Asking again finds it, with the same id."""
    made = ask(system, CreateTopic(TopicSpec("b", 3), request=1))
    again = ask(system, CreateTopic(TopicSpec("b", 3), request=2))

    assert (made.created, again.created) == (True, False)
    assert made.spec == again.spec
    assert len(made.spec.topic_id) == 32
    for number in range(3):
        assert system.ask(partition_ref("b", number), Append(make_batch(b"x"))) == Appended(0, 1)


def test_a_topic_made_in_another_way_is_refused(system) -> None:
    """The error shows both."""
    ask(system, CreateTopic(TopicSpec("b", 3)))

    refused = ask(system, CreateTopic(TopicSpec("b", 4)))

    assert (refused.code, "3 partitions" in refused.reason) == ("topic_mismatch", True)


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 250])
def test_a_name_that_is_no_directory_is_refused(system, name) -> None:
    """Not only programs create topics: the question may come through a socket."""
    assert ask(system, CreateTopic(TopicSpec(name))).code == "topic_mismatch"


def test_topics_are_listed_by_name_without_internal_ones(system) -> None:
    """Internal topics are there when they are named."""
    for name, internal in (("z", False), ("a", False), ("__job.x", True)):
        ask(system, CreateTopic(TopicSpec(name, internal=internal)))

    assert names(system) == ["a", "z"]
    assert [spec.name for spec in ask(system, DescribeTopics(("__job.x", "none"))).specs] == ["__job.x"]


def test_a_topic_without_a_schema_takes_the_first_it_is_given(system) -> None:
    """A program may declare what a command created; what is there stays."""
    ask(system, CreateTopic(TopicSpec("b")))
    schema = {"type": "object"}

    assert ask(system, CreateTopic(TopicSpec("b", schema=schema))).spec.schema == schema
    assert (
        ask(system, CreateTopic(TopicSpec("b", schema={"type": "array"}, reads_committed=True))).spec.schema == schema
    )
    assert ask(system, DescribeTopics(("b",))).specs[0].reads_committed


def test_topics_survive_a_kill(system, host) -> None:
    """What was answered is durable, also when the host is lost."""
    spec = ask(system, CreateTopic(TopicSpec("b", 2))).spec
    system.abandon()
    host.disk.crash_host(Entropy(5))

    with start(host) as again:
        assert ask(again, DescribeTopics()).specs == (spec,)
        assert again.ask(partition_ref("b", 1), Append(make_batch(b"x"))) == Appended(0, 1)


def test_a_deleted_topic_is_gone(system, host) -> None:
    """With its files and its groups' offsets; made again, it begins empty."""
    ask(system, CreateTopic(TopicSpec("b", 2)))
    system.ask(partition_ref("b", 0), Append(make_batch(b"old")))
    system.ask(groups_ref(), CommitOffsets("g", (("b", 0, 1), ("other", 0, 5))))

    assert ask(system, DeleteTopic("b")) == TopicDeleted("b")

    assert names(system) == []
    assert not host.disk.exists("log/b-0")
    assert system.ask(groups_ref(), FetchOffsets("g")).offsets == (("other", 0, 5),)
    ask(system, CreateTopic(TopicSpec("b", 2)))
    assert system.ask(partition_ref("b", 0), ListOffsets()).high_watermark == 0


def test_a_topic_may_be_made_again_while_it_is_being_deleted(system) -> None:
    """The questions are served one after the other."""
    ask(system, CreateTopic(TopicSpec("b")))
    system.ask(partition_ref("b", 0), Append(make_batch(b"old")))
    asked = [DeleteTopic("b"), CreateTopic(TopicSpec("b", 2)), DeleteTopic("b")]

    answers = [system.ask_future(catalogue_ref(), message, "30s") for message in asked]
    system.run(until=lambda: all(answer.done() for answer in answers))

    found = [answer.result() for answer in answers]
    assert isinstance(found[0], TopicDeleted)
    assert isinstance(found[1], TopicCreated)
    assert system.ask(partition_ref("b", 1), ListOffsets()).high_watermark == 0


def test_deleting_what_is_not_there_names_what_is(system) -> None:
    """The error lists the topics."""
    ask(system, CreateTopic(TopicSpec("bids")))

    refused = ask(system, DeleteTopic("bid"))

    assert (refused.code, "bids" in refused.reason) == ("unknown_topic", True)


def test_a_deletion_that_a_kill_cut_short_is_finished(system, host) -> None:
    """A directory that stayed is removed at the next start, and never read as the new topic's."""
    ask(system, CreateTopic(TopicSpec("b")))
    system.ask(partition_ref("b", 0), Append(make_batch(b"old")))
    answer = system.ask_future(catalogue_ref(), DeleteTopic("b"), "30s")
    system.run(steps_max=2)
    assert not answer.done()
    system.abandon()

    with start(host) as again:
        assert not host.disk.exists("log/b-0")
        ask(again, CreateTopic(TopicSpec("b")))
        assert again.ask(partition_ref("b", 0), ListOffsets()).high_watermark == 0


def test_producer_ids_are_given_once(system, host) -> None:
    """Over kills, too; those of jobs are told from others by their number."""
    first = ask(system, AllocateProducerIds(1, ""))
    second = ask(system, AllocateProducerIds(2, ""))
    job = ask(system, AllocateProducerIds(6, "job"))
    assert (first, second) == (ProducerIdsAllocated(0, 1), ProducerIdsAllocated(1, 2))
    assert job.first == JOB_PRODUCERS_FROM
    system.abandon()

    with start(host) as again:
        assert ask(again, AllocateProducerIds(1, "")).first >= 3
        assert ask(again, AllocateProducerIds(1, "job")).first == JOB_PRODUCERS_FROM + 6
        assert isinstance(ask(again, AllocateProducerIds(0, "")), Refused)


def test_damaged_metadata_is_named_at_the_start(system, host) -> None:
    """The log does not come up without its topics."""
    for name in ("a", "b"):
        ask(system, CreateTopic(TopicSpec(name)))
    system.abandon()
    file = host.disk.open("log/__cluster_metadata-0/00000000000000000000.log")
    content = bytearray(file.read(0, file.size()))
    content[70] ^= 1
    file.truncate(0)
    file.append(content)

    with pytest.raises(Corrupt, match="__cluster_metadata"):
        start(host)


def test_groups_remember_the_latest_offsets(system, host) -> None:
    """Durable when they are answered."""
    for offset in (5, 9, 7):
        assert system.ask(groups_ref(), CommitOffsets("g", (("b", 0, offset),))) == OffsetsCommitted()
    system.ask(groups_ref(), CommitOffsets("h", (("b", 1, 2), ("b", 0, 1))))
    system.abandon()
    host.disk.crash_host(Entropy(3))

    with start(host) as again:
        assert again.ask(groups_ref(), FetchOffsets("g")).offsets == (("b", 0, 7),)
        assert again.ask(groups_ref(), FetchOffsets("h")).offsets == (("b", 0, 1), ("b", 1, 2))
        assert again.ask(groups_ref(), FetchOffsets("nobody")).offsets == ()
        assert again.ask(groups_ref(), ListGroups()).groups == ("g", "h")


def test_the_offsets_log_stays_small(host) -> None:
    """It is written anew when it has grown, and says the same."""
    from actorstream.log.groups import GroupCoordinator
    from actorstream.log.settings import LogSettings

    with ActorSystem(runtime="simulation", seed=1, host=host) as system:
        groups = system.spawn(GroupCoordinator, LogSettings(), segment_bytes_max=1000, name="groups")
        for offset in range(60):
            system.ask(groups, CommitOffsets("g", (("b", offset % 3, offset),)))
        files = [name for name in host.disk.list("log/__consumer_offsets-0") if name.endswith(".log")]

        assert len(files) == 1
        system.crash(groups)
        assert system.ask(groups, FetchOffsets("g")).offsets == (("b", 0, 57), ("b", 1, 58), ("b", 2, 59))


def test_an_offset_that_cannot_be_is_refused(system) -> None:
    """Offsets count from 0."""
    assert isinstance(system.ask(groups_ref(), CommitOffsets("g", (("b", 0, -1),))), Refused)
