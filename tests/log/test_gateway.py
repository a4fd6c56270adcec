"""Two processes and one data directory: the second asks the first, through its socket."""

from __future__ import annotations

import asyncio
import socket
import struct
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.actors import ActorSystem
from actorstream.errors import ActorTerminated, UnknownTopic
from actorstream.log import admin
from actorstream.log.consumer import Consumer
from actorstream.log.frames import BadFrame, decode_answer, decode_question, encode_answer, encode_question, read_length
from actorstream.log.gateway import Gateway
from actorstream.log.holding import EmbeddedLog
from actorstream.log.messages import Append, Appended, DescribeTopics, Fetch, Refused, TopicsDescribed
from actorstream.log.producer import Producer
from actorstream.log.remote import ConnectionLost, RemoteTransport
from actorstream.log.socket_path import find_socket
from actorstream.log.transport import ask
from actorstream.model.topic import Topic, TopicPartition

NUMBERS = Topic("numbers", int, partitions=2)

OTHER = """
import sys
from actorstream.log.client import Consumer, Producer, Topic
topic = Topic("numbers", int, partitions=2)
with Producer(data=sys.argv[1]) as producer:
    for at in range(1000):
        producer.send(topic, at)
with Consumer(topic, data=sys.argv[1], group="other") as consumer:
    print(sum(record.value for record in consumer))
"""


def test_another_process_asks_the_one_that_holds_the_directory(tmp_path) -> None:
    """It produces, consumes and commits as if the directory were its own."""
    held = EmbeddedLog.open(tmp_path)

    done = subprocess.run(
        [sys.executable, "-c", OTHER, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("499500\n", "")
    assert admin.list_groups(held.transport()) == ["other"]
    with Consumer(NUMBERS, data=tmp_path) as consumer:
        assert sorted(record.value for record in consumer) == list(range(1000))
    held.close()


def test_a_client_goes_on_when_the_holder_lets_go(tmp_path) -> None:
    """It takes the directory over; nothing is lost, nothing is there twice."""
    held = EmbeddedLog.open(tmp_path)
    remote = RemoteTransport.connect(tmp_path)
    admin.create_topic(remote, NUMBERS)
    remote.close()
    producer = Producer(data=tmp_path, linger=None)
    producer._log.transport.close()
    producer._log.transport = RemoteTransport.connect(tmp_path)  # As in a process of its own.
    for at in range(100):
        producer.send(NUMBERS, at)
    producer.flush()
    held.close()
    for at in range(100, 200):
        producer.send(NUMBERS, at)
    producer.close()

    with Consumer(NUMBERS, data=tmp_path) as consumer:
        assert sorted(record.value for record in consumer) == list(range(200))


def test_a_refusal_is_the_same_error_on_the_other_side(tmp_path) -> None:
    """With its attributes."""
    held = EmbeddedLog.open(tmp_path)
    remote = RemoteTransport.connect(tmp_path)

    with pytest.raises(UnknownTopic) as caught:
        admin.describe_topic(remote, "none")
    assert caught.value.topic == "none"
    with pytest.raises(UnknownTopic) as caught:
        admin.delete_topic(remote, "none")
    assert caught.value.topic == "none"
    with pytest.raises(ActorTerminated):
        ask(remote, TopicPartition("none", 0), Fetch(0), Appended)
    remote.close()
    held.close()


def test_hostile_bytes_close_that_one_connection(tmp_path) -> None:
    """Others do not notice."""
    held = EmbeddedLog.open(tmp_path)
    good = RemoteTransport.connect(tmp_path)
    garbage = [b"GET / HTTP/1.1\r\n\r\n", struct.pack(">I", 5) + b"hello", struct.pack(">I", 2**32 - 1), b"\0" * 8]

    for data in garbage:
        with socket.socket(socket.AF_UNIX) as bad:
            bad.settimeout(10)
            bad.connect(str(find_socket(tmp_path)))
            bad.sendall(data)
            assert bad.recv(100) == b""

    assert ask(good, "catalogue", DescribeTopics(), TopicsDescribed).specs == ()
    good.close()
    held.close()


def test_a_connection_that_is_lost_ends_every_question(tmp_path) -> None:
    """Nobody waits for an answer that will not come."""
    held = EmbeddedLog.open(tmp_path)
    remote = RemoteTransport.connect(tmp_path)
    admin.create_topic(remote, NUMBERS)
    waiting = remote.ask_future(TopicPartition("numbers", 0), Fetch(0, wait_us=30_000_000))

    held.close()

    with pytest.raises(ConnectionLost):
        waiting.result(10)
    with pytest.raises(ConnectionLost):
        remote.ask_future("catalogue", DescribeTopics())
    remote.close()
    with pytest.raises(ConnectionLost):
        RemoteTransport.connect(tmp_path)


def test_a_long_path_has_a_short_socket(tmp_path) -> None:
    """Addresses of Unix sockets are short; a note in the directory says where it is, and goes with it."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    held = EmbeddedLog.open(deep)
    remote = RemoteTransport.connect(deep)

    assert admin.list_topics(remote) == []
    short = find_socket(deep)
    assert short.parent != deep
    remote.close()
    held.close()
    assert not short.parent.exists()
    assert not (deep / "socket.path").exists()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_bad(data) -> None:
    """Nothing but BadFrame comes out, whatever goes in."""
    for read in (decode_question, decode_answer, read_length):
        try:
            read(data)
        except BadFrame:
            continue


@given(st.binary(max_size=50), st.integers(0, 2**40), st.booleans())
def test_questions_and_answers_come_back(batches, number, flush) -> None:
    """As they were sent."""
    append = Append(batches, expected_end=None, flush=flush, request=number)
    refused = Refused(number, "corrupt", "why", {"path": "p", "position": 3})

    assert decode_question(encode_question(number, 5, TopicPartition("t", 1), append)[4:]) == (
        number,
        5,
        TopicPartition("t", 1),
        append,
    )
    assert decode_answer(encode_answer(number, refused)[4:]) == (number, refused)


FOLLOW = """
import sys
from actorstream.log.client import Consumer
with Consumer("numbers", data=sys.argv[1], follow=True, group="g") as consumer:
    for record in consumer:
        print(record.value, flush=True)
        if record.value == 199:
            break
"""


def test_a_follower_lets_go_for_a_job_and_goes_on_through_it(tmp_path) -> None:
    """It came first, so it holds the directory; that must not keep a job from running there."""
    with Producer(data=tmp_path) as producer:
        producer.send_many(NUMBERS, range(100))
    with subprocess.Popen([sys.executable, "-c", FOLLOW, str(tmp_path)], stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        first = [int(follower.stdout.readline()) for _ in range(100)]

        job = EmbeddedLog.open(tmp_path)
        with Producer(transport=job.transport()) as producer:
            producer.send_many(NUMBERS, range(100, 200))
        rest = [int(line) for line in follower.stdout]
        job.close()

    assert follower.returncode == 0
    assert sorted(first) == list(range(100))
    assert rest[-1] == 199
    assert sorted(rest) == sorted(dict.fromkeys(rest))


VISIT = """
import sys
import time
from actorstream.log.client import open_consumer
longest, last = 0.0, -1
while last < 199:
    begun = time.monotonic()
    with open_consumer("numbers", data=sys.argv[1]) as records:
        last = max(record.value for record in records)
    longest = max(longest, time.monotonic() - begun)
    if last == 99:
        print("visited", flush=True)
print(longest)
"""


def test_clients_that_come_and_go_keep_no_job_out(tmp_path) -> None:
    """However fast they come again; and none of them waits for an answer from a process that has let go."""
    for at in range(5):
        data = tmp_path / str(at)
        with Producer(data=data) as producer:
            producer.send_many(NUMBERS, range(100))
        with subprocess.Popen([sys.executable, "-c", VISIT, str(data)], stdout=subprocess.PIPE, text=True) as visitor:
            assert visitor.stdout is not None
            visitor.stdout.readline()

            job = EmbeddedLog.open(data)
            with Producer(transport=job.transport()) as producer:
                producer.send_many(NUMBERS, range(100, 200))
            *_, longest = visitor.stdout
            job.close()

        assert visitor.returncode == 0
        assert float(longest) < 5


@pytest.mark.parametrize("turns", range(8))
def test_whoever_connects_as_the_holder_lets_go_is_told(tmp_path, turns) -> None:
    """At whichever of the steps of being accepted the end comes; nobody waits where nobody serves."""
    connecting = socket.socket(socket.AF_UNIX)
    connecting.settimeout(5)

    async def live() -> None:
        gateway = Gateway(system, tmp_path, lambda: True)
        await gateway._listen()
        connecting.connect(str(find_socket(tmp_path)))
        for _ in range(turns):
            await asyncio.sleep(0)
        await gateway._close()

    with ActorSystem() as system:
        asyncio.run(live())

    with connecting, suppress(ConnectionResetError):
        assert connecting.recv(1) == b""


RUN = """
import sys
from actorstream.errors import DirectoryInUse
from actorstream.log.client import EmbeddedLog
try:
    EmbeddedLog.open(sys.argv[1])
except DirectoryInUse as error:
    print(error.pid)
"""


def test_a_second_job_is_refused_at_once(tmp_path) -> None:
    """It is told the process id of the first."""
    import os

    first = EmbeddedLog.open(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    first.close()

    assert done.stdout == f"{os.getpid()}\n"


PRODUCE = """
import sys
from actorstream.log.client import Producer, Topic
topic = Topic("numbers", int, partitions=2)
at = 0
with Producer(data=sys.argv[1]) as producer:
    while True:
        for _ in range(50):
            producer.send(topic, at, key=at)
            at += 1
        producer.flush()
        print(at, flush=True)
"""


def test_what_was_flushed_survives_a_sigkill(tmp_path) -> None:
    """Each record once, each partition in order; the directory is free at once."""
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", PRODUCE, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as victim:
            assert victim.stdout is not None
            acknowledged = [int(victim.stdout.readline()) for _ in range(20)][-1]
            victim.kill()
            acknowledged = max([acknowledged, *map(int, victim.stdout.read().split()[:-1])])

        with Consumer(NUMBERS, data=tmp_path) as consumer:
            found = [(record.partition, record.value) for record in consumer]
        assert all(
            values == sorted(dict.fromkeys(values))
            for values in ([value for at, value in found if at == partition] for partition in range(2))
        )
        assert {value for _, value in found} >= set(range(acknowledged))
        admin_log = EmbeddedLog.open(tmp_path)
        admin.delete_topic(admin_log.transport(), "numbers")
        admin_log.close()
