"""Producers and consumers: what is sent is read, once, in order, by whoever may see it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream.actors import ActorSystem
from actorstream.errors import BadInput, PlanError, TopicMismatch, UnknownTopic
from actorstream.log import admin
from actorstream.log.addresses import partition_ref
from actorstream.log.consumer import Consumer
from actorstream.log.embedded import EmbeddedTransport, start_log
from actorstream.log.messages import Append, WriteMarkers
from actorstream.log.partitioning import partition_for_key
from actorstream.log.producer import Linger, Producer
from actorstream.log.records import RECORD_BYTES_MAX, encode_records
from actorstream.model.record import Record
from actorstream.model.topic import Topic

AT = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)


class Bid(Record):
    auction: int
    price: float
    at: datetime | None = None


BIDS = Topic("bids", Bid, partitions=3, key="auction")


@pytest.fixture
def system() -> Iterator[ActorSystem]:
    with ActorSystem(runtime="simulation", seed=2) as system:
        start_log(system)
        yield system


@pytest.fixture
def log(system) -> EmbeddedTransport:
    return EmbeddedTransport(system)


def producing(log: EmbeddedTransport) -> Producer:
    return Producer(transport=log, linger=None)


def values(topic, log: EmbeddedTransport, **options) -> list:
    with Consumer(topic, transport=log, **options) as consumer:
        return [record.value for record in consumer]


def test_a_record_comes_back_as_it_was_sent(log) -> None:
    """Value, key, timestamp, headers; and where it lies."""
    with producing(log) as producer:
        producer.send(BIDS, Bid(7, 9.5, AT), timestamp=AT, headers={"trace": b"x", "empty": None})

    with Consumer(BIDS, transport=log) as consumer:
        (record,) = consumer

    assert (record.value, record.key, record.offset, record.topic) == (Bid(7, 9.5, AT), 7, 0, "bids")
    assert record.partition == partition_for_key(b"7", 3)
    assert record.timestamp == AT
    assert record.headers == [("trace", b"x"), ("empty", None)]


def test_records_of_a_key_keep_their_order(log) -> None:
    """They go to one partition."""
    with producing(log) as producer:
        for at in range(300):
            producer.send(BIDS, Bid(at % 5, float(at)))

    seen: dict[int, list[float]] = {}
    for bid in values(BIDS, log):
        seen.setdefault(bid.auction, []).append(bid.price)
    assert seen == {key: [float(at) for at in range(key, 300, 5)] for key in range(5)}


def test_records_without_a_key_are_spread(log) -> None:
    """A batch at a time, so that batches are large and no partition is idle."""
    topic = Topic("plain", partitions=3)
    with producing(log) as producer:
        for at in range(30_000):
            producer.send(topic, at)

    state = admin.describe_topic(log, "plain")
    assert [partition.end_offset for partition in state.partitions] == [10_000] * 3
    assert sorted(values("plain", log)) == list(range(30_000))


def test_a_given_key_goes_before_the_topics(log) -> None:
    """And a tuple is an array, a UUID its text."""
    with producing(log) as producer:
        producer.send(BIDS, Bid(7, 1.0), key=("a", 1))

    with Consumer(BIDS, transport=log) as consumer:
        assert [record.key for record in consumer] == [["a", 1]]


def test_a_topic_is_made_by_its_declaration_and_found_by_its_name(log) -> None:
    """A name alone makes nothing: it would hide a typing error."""
    with producing(log) as producer:
        with pytest.raises(UnknownTopic):
            producer.send("bids", {"auction": 1, "price": 2.0})
        producer.send(BIDS, Bid(1, 2.0))
        producer.send("bids", {"auction": 1, "price": 3.0}, key=1)

    assert values("bids", log) == [{"auction": 1, "price": 2.0, "at": None}, {"auction": 1, "price": 3.0}]
    assert values(BIDS, log) == [Bid(1, 2.0), Bid(1, 3.0)]
    assert admin.describe_topic(log, "bids").spec.partitions == 3


def test_a_topic_declared_in_another_way_is_refused(log) -> None:
    """Partitions are counted once."""
    with producing(log) as producer:
        producer.send(BIDS, Bid(1, 2.0))
        with pytest.raises(TopicMismatch, match="3 partitions"):
            producer.send(Topic("bids", Bid, partitions=4), Bid(1, 2.0))


@pytest.mark.parametrize(
    ("topic", "value"),
    [(BIDS, {"auction": "x", "price": 1.0}), (BIDS, Bid("x", 1.0)), (BIDS, 5), ("bids", {"price": 1})],
)
def test_a_value_that_does_not_fit_is_refused(log, topic, value) -> None:
    """Also by the schema alone, which the topic remembers; nothing of it is written."""
    with producing(log) as producer:
        producer.send(BIDS, Bid(1, 2.0))
        with pytest.raises(BadInput, match="bids"):
            producer.send(topic, value)

    assert values(BIDS, log) == [Bid(1, 2.0)]


def test_a_naive_time_is_utc_in_both_directions(log) -> None:
    """And every time comes back in UTC."""
    east = timezone(timedelta(hours=2))
    with producing(log) as producer:
        producer.send(BIDS, Bid(1, 1.0, AT.replace(tzinfo=None)))
        producer.send(BIDS, Bid(1, 2.0, AT.astimezone(east)))

    found = [bid.at for bid in values(BIDS, log)]
    assert found == [AT, AT]
    assert [time.tzinfo for time in found] == [UTC, UTC]


def test_a_float_key_is_refused(log) -> None:
    """Floats that look alike differ in their last bits."""
    with producing(log) as producer, pytest.raises(BadInput, match="float"):
        producer.send(BIDS, Bid(1, 2.0), key=1.5)


def test_a_record_that_is_too_large_is_refused(log) -> None:
    """With its size and the limit; the producer goes on."""
    topic = Topic("texts", str)
    with producing(log) as producer:
        with pytest.raises(BadInput, match=str(RECORD_BYTES_MAX)):
            producer.send(topic, "x" * RECORD_BYTES_MAX)
        producer.send(topic, "small")

    assert values(topic, log) == ["small"]


def test_many_at_once_are_as_one_by_one(log) -> None:
    """With keys and timestamps of their own; all or nothing."""
    bids = [Bid(at, float(at)) for at in range(100)]
    times = [AT + timedelta(seconds=at) for at in range(100)]
    with producing(log) as producer:
        producer.send_many(BIDS, bids, timestamps=times)
        with pytest.raises(BadInput):
            producer.send_many(BIDS, [Bid(1, 1.0), Bid("x", 1.0)])

    with Consumer(BIDS, transport=log) as consumer:
        records = sorted(consumer, key=lambda record: record.timestamp)
    assert [record.value for record in records] == bids
    assert [record.timestamp for record in records] == times
    assert [record.key for record in records] == list(range(100))


def test_a_crash_of_a_partition_loses_and_repeats_nothing(system, log) -> None:
    """What got no answer is sent again, and the partition tells repetitions."""
    with producing(log) as producer:
        for at in range(100):
            producer.send(BIDS, Bid(at, float(at)))
            if at % 10 == 0:
                producer.flush()
            if at % 25 == 3:
                system.crash(partition_ref("bids", at % 3))

    assert sorted(bid.auction for bid in values(BIDS, log)) == list(range(100))


def test_readers_see_only_what_was_committed(system, log) -> None:
    """Aborted records and markers are skipped, undecided ones end the reading."""
    topic = Topic("sink", int)
    with producing(log) as producer:
        producer.send(topic, 1)
    partition = partition_ref("sink", 0)

    def write(producer_id: int, value: bytes) -> None:
        batch = encode_records(
            [5], None, [value], producer_id=producer_id, producer_epoch=0, base_sequence=0, transactional=True
        )
        system.ask(partition, Append(batch))

    write(70, b"2")
    write(71, b"3")
    assert values(topic, log) == [1]
    system.ask(partition, WriteMarkers(((70, 0),), commit=False))
    system.ask(partition, WriteMarkers(((71, 0),), commit=True))
    write(72, b"4")

    assert values(topic, log) == [1, 3]


def test_a_bad_value_is_named_by_its_place(log) -> None:
    """Topic, partition and offset, however many records are decoded at once."""
    untyped = Topic("bids", partitions=3)
    with producing(log) as producer:
        for at in range(50):
            producer.send(untyped, {"auction": at, "price": 1.0 if at != 31 else "cheap"}, key=1)

    with pytest.raises(BadInput, match=r"bids-\d at offset 31.*cheap"):
        values(BIDS, log)


def test_a_group_goes_on_where_it_was(log) -> None:
    """What was given out is committed when iteration goes on, or ends."""
    topic = Topic("numbers", int)
    with producing(log) as producer:
        producer.send_many(topic, range(10))

    with Consumer(topic, group="g", transport=log) as consumer:
        first = [next(iter(consumer)).value for _ in range(4)]
    rest = values(topic, log, group="g")

    assert (first, rest) == ([0, 1, 2, 3], [4, 5, 6, 7, 8, 9])
    assert values(topic, log, group="g") == []
    assert values(topic, log, group="other") == list(range(10))
    assert values(topic, log) == list(range(10))


def test_a_record_whose_reader_failed_is_read_again(log) -> None:
    """It was given out, and not dealt with; those before it were."""
    topic = Topic("numbers", int)
    with producing(log) as producer:
        producer.send_many(topic, range(10))

    with pytest.raises(ZeroDivisionError), Consumer(topic, group="g", transport=log) as consumer:  # noqa: PT012
        for record in consumer:
            1 // (record.value - 3)

    assert values(topic, log, group="g") == [3, 4, 5, 6, 7, 8, 9]


def test_commit_counts_the_record_given_out_last(log) -> None:
    """Whoever commits says that it was dealt with."""
    topic = Topic("numbers", int)
    with producing(log) as producer:
        producer.send_many(topic, range(10))
    consumer = Consumer(topic, group="g", transport=log)
    for record in consumer:
        if record.value == 5:
            consumer.commit()
            break

    assert values(topic, log, group="g") == [6, 7, 8, 9]
    with pytest.raises(PlanError, match="group"):
        Consumer(topic, transport=log).commit()


def test_latest_begins_at_the_end(log) -> None:
    """Unless the group was somewhere."""
    topic = Topic("numbers", int)
    with producing(log) as producer:
        producer.send_many(topic, [1, 2])
        producer.flush()
        with Consumer(topic, start="latest", transport=log) as consumer:
            producer.send(topic, 3)
            producer.flush()
            assert [record.value for record in consumer] == [3]
    with pytest.raises(PlanError, match="earliest"):
        Consumer(topic, start="middle", transport=log)


def test_iterating_again_reads_what_is_new(log) -> None:
    """The end is where the log ended when the iteration began."""
    topic = Topic("numbers", int)
    with producing(log) as producer, Consumer("numbers", transport=_made(log, topic)) as consumer:
        found = []
        for at in range(3):
            producer.send(topic, at)
            producer.flush()
            found.append([record.value for record in consumer])

    assert found == [[0], [1], [2]]


def _made(log: EmbeddedTransport, topic: Topic) -> EmbeddedTransport:
    admin.create_topic(log, topic)
    return log


def test_a_follower_waits_for_more(log) -> None:
    """It gets what comes, when it comes."""
    topic = Topic("numbers", int, partitions=2)
    with producing(log) as producer, Consumer("numbers", follow=True, transport=_made(log, topic)) as consumer:
        records = iter(consumer)
        found = []
        for at in range(5):
            producer.send(topic, at, key=at)
            producer.flush()
            found.append(next(records).value)

    assert found == [0, 1, 2, 3, 4]


def test_admin_sees_topics_and_groups(log) -> None:
    """Lists, details, lag; and deletes."""
    topic = Topic("numbers", int)
    assert admin.create_topic(log, topic)
    assert not admin.create_topic(log, topic)
    with producing(log) as producer:
        producer.send_many(topic, range(10))
    with Consumer(topic, group="g", transport=log) as consumer:
        for record in consumer:
            if record.value == 3:
                break

    assert [spec.name for spec in admin.list_topics(log)] == ["numbers"]
    assert admin.describe_topic(log, "numbers").partitions == ((0, 0, 10, 10),)
    assert admin.list_groups(log) == ["g"]
    assert admin.describe_group(log, "g") == [("numbers", 0, 4, 6)]
    admin.delete_topic(log, "numbers")
    assert admin.list_topics(log) == []
    assert admin.describe_group(log, "g") == []
    with pytest.raises(UnknownTopic):
        admin.delete_topic(log, "numbers")


@given(st.lists(st.tuples(st.one_of(st.none(), st.text(max_size=3), st.integers()), st.integers()), max_size=60))
@settings(max_examples=25, deadline=None)
def test_what_is_sent_is_read_once(sent) -> None:
    """Whatever the keys; in order within each."""
    topic = Topic("t", int, partitions=3)
    with ActorSystem(runtime="simulation", seed=5) as system:
        start_log(system)
        log = EmbeddedTransport(system)
        admin.create_topic(log, topic)
        with producing(log) as producer:
            for key, value in sent:
                producer.send(topic, value, key=key)
        with Consumer(topic, transport=log) as consumer:
            found = [(record.key, record.value) for record in consumer]

    assert sorted(found, key=repr) == sorted(sent, key=repr)
    for key in dict.fromkeys(key for key, _ in sent if key is not None):
        assert [pair for pair in found if pair[0] == key] == [pair for pair in sent if pair[0] == key]


@pytest.mark.parametrize(
    ("key", "partition"),
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536), (b"abc", 479470107)],
)
def test_murmur2_is_kafkas(key, partition) -> None:
    """Source: the values that Kafka's own tests check."""
    assert partition_for_key(key, 1_000_003) == (partition & 0x7FFFFFFF) % 1_000_003


def test_lingering_ends_when_it_is_stopped_between_two_steps() -> None:
    """A stop that comes just before its thread forgets what woke it is not forgotten."""
    linger = Linger(0.0, int)

    class StoppedBefore(threading.Event):
        def clear(self) -> None:
            linger._stopped.set()
            self.set()
            super().clear()

    linger._begun = StoppedBefore()
    linger.begin()

    assert linger._thread is not None
    linger._thread.join(10)
    assert not linger._thread.is_alive()
