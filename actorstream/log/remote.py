"""Asking the log of another process, through the socket of the data directory that it holds.

Guarantees: every question ends, with its answer or an error; when the connection is lost, all that are open do.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from actorstream.actors import Message
from actorstream.errors import ActorTerminated, AskTimeout
from actorstream.host import SystemClock
from actorstream.log.frames import LENGTH_BYTES, BadFrame, Failed, decode_answer, encode_question, read_length
from actorstream.log.socket_path import find_socket
from actorstream.log.target import Target
from actorstream.log.transport import ASK_TIMEOUT_US

CONNECT_SECONDS = 5.0
WAIT_SECONDS = 90.0
"""Beyond any timeout that the other side keeps: if it does not answer by then, it hangs."""


class ConnectionLost(ActorTerminated):
    """The process that holds the data directory is gone, or let go of it."""

    retriable = True


class RemoteTransport:
    """See the module. May be used by several threads."""

    def __init__(self, connected: socket.socket, directory: str) -> None:
        self._socket, self._directory = connected, directory
        self._clock = SystemClock()
        self._sending = threading.Lock()
        self._waiting: dict[int, Future[Message]] = {}
        self._changing = threading.Lock()
        self._number = 0
        self._lost: str | None = None
        self._reader = threading.Thread(target=self._read, name="actorstream-remote", daemon=True)
        self._reader.start()

    @classmethod
    def connect(cls, directory: str | os.PathLike[str]) -> RemoteTransport:
        """Reach the process that holds the directory.

        Raises:
            ConnectionLost: nobody listens.
        """
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.settimeout(CONNECT_SECONDS)
        try:
            connected.connect(str(find_socket(Path(directory))))
        except OSError as error:
            connected.close()
            raise ConnectionLost(f"{directory}: nobody answers at its socket ({error})") from None
        connected.settimeout(None)
        return cls(connected, str(directory))

    @property
    def is_lost(self) -> bool:
        """See `Transport`."""
        return self._lost is not None

    def ask_future(self, target: Target, message: Message, timeout_us: int = ASK_TIMEOUT_US) -> Future[Message]:
        """See `Transport`."""
        answer: Future[Message] = Future()
        with self._changing:
            if self._lost is not None:
                raise ConnectionLost(self._lost)
            self._number += 1
            number = self._number
            self._waiting[number] = answer
        try:
            with self._sending:
                self._socket.sendall(encode_question(number, timeout_us, target, message))
        except OSError as error:
            self._lose(str(error))
        return answer

    def wait(self, answer: Future[Message]) -> Message:
        """See `Transport`."""
        try:
            return answer.result(WAIT_SECONDS)
        except AskTimeout:
            raise
        except TimeoutError:
            raise AskTimeout(f"{self._directory}: the process that holds it does not answer") from None

    def wait_any(self, answers: Collection[Future[Message]]) -> None:
        """See `Transport`."""
        wait(answers, WAIT_SECONDS, FIRST_COMPLETED)

    def pause(self, length_us: int) -> None:
        """See `Transport`."""
        threading.Event().wait(length_us / 1e6)

    def now_us(self) -> int:
        """See `Transport`."""
        return self._clock.now_us()

    def close(self) -> None:
        """See `Transport`."""
        self._lose("it was closed")
        if threading.current_thread() is not self._reader:
            self._reader.join(CONNECT_SECONDS)
        self._socket.close()

    def _read(self) -> None:
        """Give answers to those who wait for them, until the connection ends."""
        try:
            while True:
                answer = decode_answer(self._receive(read_length(self._receive(LENGTH_BYTES))))
                with self._changing:
                    waiting = self._waiting.pop(answer.number, None)
                if waiting is not None:
                    _resolve(waiting, answer.message)
        except (OSError, BadFrame) as error:
            self._lose(str(error))

    def _receive(self, size: int) -> bytes:
        """Exactly so many bytes."""
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            count = self._socket.recv_into(rest)
            if not count:
                raise ConnectionResetError("the other side closed the connection")
            rest = rest[count:]
        return bytes(data)

    def _lose(self, why: str) -> None:
        """No answer comes any more."""
        with self._changing:
            self._lost = self._lost or f"{self._directory}: the connection to the process that holds it is lost ({why})"
            waiting, self._waiting = list(self._waiting.values()), {}
        for answer in waiting:
            answer.set_exception(ConnectionLost(self._lost))
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # It was down already.


def _resolve(waiting: Future[Message], message: Message) -> None:
    if not isinstance(message, Failed):
        waiting.set_result(message)
    elif message.timed_out:
        waiting.set_exception(AskTimeout(message.reason))
    else:
        waiting.set_exception(ActorTerminated(message.reason))
