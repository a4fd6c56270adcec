"""Messages between two node processes, against a bare socket loop between two processes that moves the same frames.

Questions and replies with 64 in flight; and column batches of about a megabyte, with 8 in flight, each acknowledged by
a small message. The floor sends and reads frames of the same sizes over a Unix socket, and does nothing else with them.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import polars as pl

from actorstream.actors import Actor, ActorSystem, Context, Message, Ref, receives
from actorstream.actors.wire import Codec
from benchmarks.harness import Pair, measure

QUESTIONS, IN_FLIGHT = 50_000, 64
BATCHES, BATCHES_IN_FLIGHT = 300, 8
ROWS = 40_000
SESSION_BYTES = 17
"""What a session puts before each parcel."""


class Ask(Message):
    number: int


class Reply(Message):
    number: int


class Columns(Message):
    number: int
    frame: pl.DataFrame


class Begin(Message):
    target: Ref
    batches: bool


class Finished(Message):
    total: int


class Echo(Actor, accepts=Ask | Columns):
    """Answers with what was asked, or with how many rows came."""

    @receives(Ask)
    def on_ask(self, ask: Ask, context: Context) -> None:
        context.reply(Reply(ask.number))

    @receives(Columns)
    def on_columns(self, columns: Columns, context: Context) -> None:
        context.reply(Reply(columns.frame.height))


class Asker(Actor, accepts=Begin | Reply):
    """Keeps so many messages in flight, and adds up the replies."""

    def __init__(self) -> None:
        self.frame = frame()

    @receives(Begin)
    def on_begin(self, begin: Begin, context: Context) -> None:
        self.target, self.who, self.batches = begin.target, context.sender, begin.batches
        self.sent = self.received = self.total = 0
        self.count = BATCHES if begin.batches else QUESTIONS
        for _ in range(BATCHES_IN_FLIGHT if begin.batches else IN_FLIGHT):
            self.send_next(context)

    @receives(Reply)
    def on_reply(self, reply: Reply, context: Context) -> None:
        self.received += 1
        self.total += reply.number
        if self.sent < self.count:
            self.send_next(context)
        elif self.received == self.count:
            context.send(self.who, Finished(self.total))

    def send_next(self, context: Context) -> None:
        self.sent += 1
        context.send(self.target, Columns(self.sent, self.frame) if self.batches else Ask(self.sent))


def frame() -> pl.DataFrame:
    """About a megabyte of columns."""
    numbers = pl.int_range(ROWS, eager=True)
    return pl.DataFrame({"key": numbers % 1_000, "value": numbers * 0.5, "at": numbers})


def work(system: ActorSystem, *, batches: bool) -> int:
    """Through nodes."""
    finished: Any = system.ask(Ref("asker"), Begin(Ref("echo"), batches), timeout="60s")
    total: int = finished.total
    return total


# --- the floor --------------------------------------------------------------------------------------------------------


def floor(connection: socket.socket, size: int, reply_size: int, count: int, in_flight: int, expected: int) -> int:
    """The same frames through a bare socket loop; answers what the work should."""
    data, buffer = _frame(size), bytearray(max(size, 1 << 16))
    sent = min(in_flight, count)
    connection.sendall(data * sent if size < 1 << 16 else data)
    for _ in range(sent - 1 if size >= 1 << 16 else 0):
        connection.sendall(data)
    for _ in range(count):
        _read(connection, buffer)
        if sent < count:
            sent += 1
            connection.sendall(data)
    return expected


def serve(path: str) -> None:
    """The other end: reads frames, and answers each with a small one of the size that the first bytes say."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    buffer, answer = bytearray(4 << 20), _frame(_reply_size())
    while _read(connection, buffer):
        connection.sendall(answer)


def _frame(size: int) -> bytes:
    return size.to_bytes(4, "big") + bytes(size)


def _read(connection: socket.socket, buffer: bytearray) -> int:
    """One frame into the buffer; its length, 0 at the end."""
    head = connection.recv(4, socket.MSG_WAITALL)
    if not head:
        return 0
    size = int.from_bytes(head, "big")
    view, got = memoryview(buffer)[:size], 0
    while got < size:
        got += connection.recv_into(view[got:])
    return size


def _sizes() -> tuple[int, int]:
    """Of a question, and of a column batch, as they go over the wire."""
    codec, target, sender = Codec(), Ref("echo"), Ref("asker")
    messages = (Ask(QUESTIONS), Columns(1, frame()))
    question, batch = (
        sum(memoryview(part).nbytes for part in codec.encode(target, sender, message)) + SESSION_BYTES
        for message in messages
    )
    return question, batch


def _reply_size() -> int:
    parts = Codec().encode(Ref("asker"), Ref("echo"), Reply(QUESTIONS))
    return sum(memoryview(part).nbytes for part in parts) + SESSION_BYTES


@contextmanager
def peer() -> Iterator[socket.socket]:
    """A connection to another process that serves."""
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
        path = str(Path(directory) / "socket")
        listener.bind(path)
        listener.listen()
        process: SpawnProcess = multiprocessing.get_context("spawn").Process(target=serve, args=(path,))
        process.start()
        connection, _ = listener.accept()
        with connection:
            yield connection
        process.join()


def main() -> None:
    """Print the ratios."""
    question, batch = _sizes()
    reply = _reply_size()
    with ActorSystem(nodes=2) as system, peer() as connection:
        system.spawn(Echo, name="echo", node="node-1")
        system.spawn(Asker, name="asker", node="node-2")
        sum_of_questions = QUESTIONS * (QUESTIONS + 1) // 2
        measure(
            Pair(
                f"questions and replies, {IN_FLIGHT} in flight",
                lambda: work(system, batches=False),
                lambda: floor(connection, question, reply, QUESTIONS, IN_FLIGHT, sum_of_questions),
                QUESTIONS,
                0.40,
            )
        )
        measure(
            Pair(
                f"column batches of {batch / 1e6:.1f} MB",
                lambda: work(system, batches=True),
                lambda: floor(connection, batch, reply, BATCHES, BATCHES_IN_FLIGHT, BATCHES * ROWS),
                BATCHES,
                0.60,
            )
        )
        print(f"on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
