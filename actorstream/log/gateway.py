"""The socket by which other processes reach the log of the process that holds a data directory.

Guarantees: a connection that sends what is no question is closed, with one line in the log, and nobody else notices;
what one connection may have under way is bounded, in questions and, by not reading on, in bytes. Leaves to others: what
may be asked (`frames`), the other end (`remote`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import msgspec

from actorstream.actors import ActorSystem, Message
from actorstream.errors import ActorstreamError, AskTimeout
from actorstream.host.logs import logger
from actorstream.log.frames import (
    LENGTH_BYTES,
    ActorsDescribed,
    BadFrame,
    DescribeActors,
    Failed,
    StepAside,
    SteppedAside,
    decode_question,
    encode_answer,
    read_length,
)
from actorstream.log.socket_path import new_socket_path, remove_socket
from actorstream.log.target import target_ref

CONNECTIONS_MAX = 256
"""Further ones are closed at once."""

QUESTIONS_MAX = 64
"""Questions that one connection may have open; more are not read."""

TIMEOUT_US_MAX = 60_000_000
"""The longest that a question may take."""

READ_BYTES_MAX = 1 << 20
"""How much of a frame is read ahead."""

_START_SECONDS = 10.0
_ACCEPT_AGAIN_SECONDS = 1.0
"""After which time to try again when the process has no file descriptor left."""


class Gateway:
    """See the module. Lives on the system's event loop.

    `step_aside` is called, in a thread of its own, when another process asks for the directory; whether it gets it.
    """

    def __init__(self, system: ActorSystem, directory: Path, step_aside: Callable[[], bool]) -> None:
        self._system, self._directory, self._step_aside = system, directory, step_aside
        self._listener: socket.socket | None = None
        self._serving: dict[asyncio.Task[None], socket.socket] = {}

    @classmethod
    def open(cls, system: ActorSystem, directory: str | os.PathLike[str], step_aside: Callable[[], bool]) -> Gateway:
        """Listen at the socket of a data directory that this process holds."""
        gateway = cls(system, Path(directory), step_aside)
        asyncio.run_coroutine_threadsafe(gateway._listen(), system.loop).result(_START_SECONDS)
        return gateway

    def close(self) -> None:
        """Close the socket and all connections; nothing if that was done."""
        with contextlib.suppress(RuntimeError):  # The loop has ended: so have they.
            asyncio.run_coroutine_threadsafe(self._close(), self._system.loop).result(_START_SECONDS)
        remove_socket(self._directory)

    async def _listen(self) -> None:
        path = new_socket_path(self._directory)
        self._listener = listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.setblocking(False)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(CONNECTIONS_MAX)
        self._heed()

    async def _close(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def _heed(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """In one step, unlike a server of asyncio: what that is accepting when it closes, nobody serves or closes."""
        assert self._listener is not None
        try:
            connected, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # Whoever it was has gone.
        except OSError as error:
            logger().warning("no connection can be accepted", reason=str(error))
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._listener)
            loop.call_later(_ACCEPT_AGAIN_SECONDS, self._heed)
            return
        if len(self._serving) >= CONNECTIONS_MAX:
            connected.close()
            return
        task = asyncio.create_task(self._serve(connected))
        self._serving[task] = connected
        task.add_done_callback(self._on_ended)

    async def _serve(self, connected: socket.socket) -> None:
        reader, writer = await asyncio.open_unix_connection(sock=connected, limit=READ_BYTES_MAX)
        try:
            await Connection(self._system, reader, writer, self._step_aside).serve()
        except BadFrame as error:
            logger().warning("connection closed", reason=str(error))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # The other side is gone, which is its right.
        finally:
            writer.transport.abort()

    def _on_ended(self, task: asyncio.Task[None]) -> None:
        self._serving.pop(task).close()


class Connection:
    """One process that asks."""

    def __init__(
        self,
        system: ActorSystem,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        step_aside: Callable[[], bool],
    ) -> None:
        self._system, self._reader, self._writer, self._step_aside = system, reader, writer, step_aside
        self._open = 0
        self._may_read = asyncio.Event()
        self._may_read.set()

    async def serve(self) -> None:
        """Read questions and have them answered, until the other side is gone.

        Raises:
            BadFrame: what came is no question.
        """
        while True:
            await self._may_read.wait()
            await self._writer.drain()  # Whoever does not read its answers asks nothing more.
            length = read_length(await self._reader.readexactly(LENGTH_BYTES))
            question = decode_question(await self._reader.readexactly(length))
            if isinstance(question.message, StepAside):
                done = await asyncio.to_thread(self._step_aside)
                self._writer.write(encode_answer(question.number, SteppedAside(done)))
                continue
            if isinstance(question.message, DescribeActors):
                picture = await asyncio.to_thread(self._system.picture)
                described = ActorsDescribed(msgspec.json.encode(picture))
                self._writer.write(encode_answer(question.number, described))
                continue
            timeout_us = max(0, min(question.timeout_us, TIMEOUT_US_MAX))
            self._count(+1)
            answer = self._system.ask_future(target_ref(question.target), question.message, timeout_us)
            answer.add_done_callback(partial(self._on_answered, question.number))

    def _on_answered(self, number: int, answer: Future[Message]) -> None:
        self._count(-1)
        error = answer.exception()
        if error is None:
            message = answer.result()
        elif isinstance(error, ActorstreamError):
            message = Failed(str(error), isinstance(error, AskTimeout))
        else:
            raise error
        if not self._writer.is_closing():
            self._writer.write(encode_answer(number, message))

    def _count(self, change: int) -> None:
        self._open += change
        if self._open < QUESTIONS_MAX:
            self._may_read.set()
        else:
            self._may_read.clear()
