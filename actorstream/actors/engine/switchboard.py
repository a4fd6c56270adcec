"""The driver's side of all connections: it listens, believes only who proves itself, and gives what they say.

Leaves to others: what it means.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from actorstream.actors.engine.calls import SILENCE_SECONDS, Call, listen
from actorstream.actors.engine.notes import CHALLENGE_BYTES, AnyNote, BadNote, Challenge, Hello, is_proved
from actorstream.host import Clock, secret_bytes
from actorstream.host.logs import logger

HELLO_US = 5_000_000
"""How long a caller has to prove itself."""

STRANGERS_MAX = 64
"""Callers that may be about to prove themselves at once; more are turned away."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A caller has proved itself."""

    call: Call
    hello: Hello


@dataclass(frozen=True, slots=True)
class Said:
    """One that had joined says something."""

    call: Call
    note: AnyNote


@dataclass(frozen=True, slots=True)
class Left:
    """One that had joined has ended; `why` is empty if it was the end of its process."""

    call: Call
    why: str


Event = Joined | Said | Left


class Switchboard:
    """See the module. Used by one thread, except `wake`.

    Args:
        clock: to turn away who takes too long.
        addresses: where to listen.
        secret: what callers on other hosts know; empty, if there are none.
        silence_seconds: how long the system of another host may be silent.

    Attributes:
        token: what callers on this host know.
    """

    def __init__(
        self, clock: Clock, addresses: list[str], secret: bytes = b"", silence_seconds: int = SILENCE_SECONDS
    ) -> None:
        self._clock = clock
        self._silence_seconds = silence_seconds
        self._secret = secret
        self._selector = selectors.DefaultSelector()
        self._listeners: list[socket.socket] = []
        self._strangers: dict[Call, tuple[bytes, int]] = {}
        self._joined: dict[Call, Hello] = {}
        self._inside, self._outside = socket.socketpair()
        self._inside.setblocking(False)
        self._outside.setblocking(False)
        self._selector.register(self._inside, selectors.EVENT_READ)
        self.token = secret_bytes(CHALLENGE_BYTES)
        try:
            for address in addresses:
                self._listen(address)
        except BaseException:
            self.close()
            raise

    def ports(self) -> list[int]:
        """The ports of the TCP addresses."""
        return [listener.getsockname()[1] for listener in self._listeners if listener.family != socket.AF_UNIX]

    def renew(self) -> None:
        """End all connections; from now on only who knows a new token is believed."""
        for call in [*self._strangers, *self._joined]:
            self.drop(call)
        self.token = secret_bytes(CHALLENGE_BYTES)

    def wake(self) -> None:
        """Let `wait` return soon; from any thread."""
        try:
            self._outside.send(b"!")
        except BlockingIOError:
            return  # So many are there already that one more says nothing.
        except OSError:
            return  # It has been closed; nobody waits.

    def wait(self, seconds: float) -> list[Event]:
        """What happens next, or nothing after so many seconds."""
        events: list[Event] = []
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._inside:
                self._inside.recv(65_536)
            elif isinstance(key.fileobj, Call):
                events += self._hear(key.fileobj)
            else:
                self._accept(key.data)
        self._turn_away_the_slow()
        return events

    def drop(self, call: Call) -> None:
        """End a connection; nothing of it is heard any more."""
        if self._strangers.pop(call, None) or self._joined.pop(call, None):
            self._selector.unregister(call)
            call.close()

    def close(self) -> None:
        """End everything."""
        for call in [*self._strangers, *self._joined]:
            self.drop(call)
        self.forget()

    def forget(self) -> None:
        """Close everything here, and tell nobody; for a copy of this process that is no part of the engine."""
        for call in [*self._strangers, *self._joined]:
            call.close()
        for each in (*self._listeners, self._inside, self._outside):
            each.close()
        self._selector.close()

    def _listen(self, address: str) -> None:
        listener = listen(address)
        listener.setblocking(False)
        self._listeners.append(listener)
        self._selector.register(listener, selectors.EVENT_READ, data=listener)

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # It has given up already, or there are no descriptors; then it is refused.
        if len(self._strangers) >= STRANGERS_MAX:
            connection.close()
            return
        call, challenge = Call(connection, self._silence_seconds), secret_bytes(CHALLENGE_BYTES)
        try:
            call.send(Challenge(challenge))
        except OSError:
            call.close()
            return
        self._strangers[call] = (challenge, self._clock.monotonic_us() + HELLO_US)
        self._selector.register(call, selectors.EVENT_READ)

    def _hear(self, call: Call) -> Iterator[Event]:
        try:
            for note in call.receive():
                if call in self._joined:
                    yield Said(call, note)
                else:
                    yield self._meet(call, note)
        except EOFError:
            yield from self._lose(call, "")
        except (OSError, BadNote) as error:
            yield from self._lose(call, str(error) or type(error).__name__)

    def _meet(self, call: Call, note: AnyNote) -> Event:
        challenge, _ = self._strangers[call]
        keys = [key for key in (self.token, self._secret) if key]
        if not isinstance(note, Hello) or not any(is_proved(key, challenge, note.proof) for key in keys):
            raise BadNote("it does not know the secret")
        del self._strangers[call]
        self._joined[call] = note
        return Joined(call, note)

    def _lose(self, call: Call, why: str) -> Iterator[Event]:
        had_joined = call in self._joined
        self.drop(call)
        if why and not had_joined:
            logger().warning("caller refused", reason=why)
        if had_joined:
            yield Left(call, why)

    def _turn_away_the_slow(self) -> None:
        now_us = self._clock.monotonic_us()
        for call in [call for call, (_, until_us) in self._strangers.items() if until_us < now_us]:
            self.drop(call)
