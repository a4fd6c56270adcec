"""The engine of production: nodes are processes that Thespian makes, and each is buried as soon as it has died.

Theory of operation. The driver starts one helper process, which makes Thespian's actor system and in it a warden. The
helper, the warden and every node then call the driver, and keep the connection for as long as they live. What the
driver must know of life and death it knows from the ends of these connections. If the helper, Thespian's admin or
the warden dies, the driver ends the whole process group, and says that the engine broke. If the driver dies, all of
them see the end of their connection; the first of them that does removes the run directory and ends the group.

Guarantees: `on_exited` and `on_broken` are said when the processes act no more; after `close` no process, socket or
file is left. Leaves to others: what nodes do, and when they end by themselves; whether a node on a host that cannot
be reached lives (heartbeats between nodes).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from actorstream.actors.engine.brood import Brood
from actorstream.actors.engine.calls import Call
from actorstream.actors.engine.ending import remove
from actorstream.actors.engine.engine import EngineEvents, Order
from actorstream.actors.engine.hosts import Hosts
from actorstream.actors.engine.notes import (
    Birth,
    Die,
    Hello,
    HelperNotes,
    HostsChanged,
    LastWords,
    NodeGone,
    Note,
    StartNode,
)
from actorstream.actors.engine.roster import NODES_MAX, Roster
from actorstream.actors.engine.settings import EngineSettings
from actorstream.actors.engine.switchboard import Event, Joined, Left, Said, Switchboard
from actorstream.host import Clock, SystemClock
from actorstream.host.logs import logger

ENTRY = "actorstream.actors.nodes.process:start"
"""What a node runs: a function of its order, in msgpack, and of what it calls to end; it gives a `NodeProcess`."""

TICK_SECONDS = 0.1
"""How often the driver looks at what does not announce itself."""

START_US = 30_000_000
"""How long the helper and the warden may take to call."""

BURY_SECONDS = 5.0
"""How long a process may take to be gone after SIGKILL."""

FENCE_SECONDS = 2
"""After the connection to another host is cut, its node has ended itself when so long, and a silence, have passed."""

REOPEN_US = 1_000_000
"""How long an engine that other hosts may join waits before it begins anew, after it broke."""

COMMANDS_MAX = 4_096
"""Commands that may wait for the engine's thread."""


class ThespianEngine:
    """See the module.

    Args:
        events: whom to tell.
        post: calls a function on the thread of `events`.
        entry: what nodes run, as "module:function".
        settings: see there.
        clock: of this process.

    Attributes:
        directory: the run directory, private to this user: for the sockets of nodes. Gone after `close`.
    """

    def __init__(
        self,
        events: EngineEvents,
        post: Callable[[Callable[[], None]], None],
        *,
        entry: str = ENTRY,
        settings: EngineSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._events = events
        self._post = post
        self._entry = entry
        self._settings = settings or EngineSettings()
        self._clock = clock or SystemClock()
        self._hosts = Hosts(self._settings.name, self._settings.secret)
        self._roster = Roster()
        self._brood: Brood | None = None
        self._brood_until_us = 0
        self._broods = 0  # That have been buried.
        self._calls: dict[Call, Hello] = {}
        self._nodes: dict[int, Call] = {}
        self._last_words: dict[int, LastWords] = {}
        self._elsewhere: dict[int, None] = {}  # Nodes that were ordered on other hosts.
        self._fenced: dict[int, int] = {}  # Nodes that cannot be reached, and when they will have ended themselves.
        self._commands: deque[Callable[[], None]] = deque()
        self._closing_until_us: int | None = None
        self._closing = threading.Lock()
        self.directory = tempfile.mkdtemp(prefix="actorstream-")
        try:
            self._board = self._make_board()
        except BaseException:
            remove(self.directory)
            raise
        self._thread = threading.Thread(target=self._main, name="actorstream-engine", daemon=True)
        self._thread.start()
        _let_go_when_forked(self)

    def _make_board(self) -> Switchboard:
        told = self._settings
        return Switchboard(self._clock, told.addresses(self.directory), told.secret, told.silence_seconds)

    def start_node(self, order: Order, requirements: Mapping[str, Any] | None = None) -> None:
        """See `Engine`."""
        self._command(partial(self._start_node, order, dict(requirements or {})))

    def kill_node(self, number: int) -> None:
        """See `Engine`."""
        self._command(partial(self._kill_node, number))

    def close(self) -> None:
        """See `Engine`. Takes at most the settings' `stop_seconds`, and a moment. May be called again."""
        with self._closing:
            if self._thread.is_alive():
                self._command(self._begin_to_close)
                self._thread.join()

    # --- the engine's thread -----------------------------------------------------------------------------------------

    def _main(self) -> None:
        try:
            while not self._is_over():
                self._on_events(self._board.wait(TICK_SECONDS))
                while self._commands:
                    self._commands.popleft()()
                self._look_after_brood()
                self._end_fenced()
        except BaseException:
            logger().exception("the engine of nodes failed")
            raise
        finally:
            self._bury()
            for number in self._roster.on_broken():
                self._tell(partial(self._events.on_exited, number, self._last_words.pop(number, None)))
            self._board.close()
            remove(self.directory)

    def _is_over(self) -> bool:
        if self._closing_until_us is None:
            return False
        return not self._roster or self._clock.monotonic_us() >= self._closing_until_us

    def _command(self, command: Callable[[], None]) -> None:
        if len(self._commands) >= COMMANDS_MAX:
            raise RuntimeError(f"more than {COMMANDS_MAX} commands wait for the engine of nodes; its thread hangs")
        self._commands.append(command)
        self._board.wake()

    def _tell(self, event: Callable[[], None]) -> None:
        self._post(event)

    # --- commands ----------------------------------------------------------------------------------------------------

    def _start_node(self, order: Order, requirements: dict[str, Any]) -> None:
        refusal = self._refusal()
        if refusal:
            self._tell(partial(self._events.on_exited, order.number, LastWords(refusal)))
            return
        if self._brood is None and not self._start_brood():
            return
        if not self._is_here(requirements):
            self._elsewhere[order.number] = None
        self._send_to_warden(self._roster.order(order.number, self._order(order, requirements)))

    def _is_here(self, requirements: dict[str, Any]) -> bool:
        return bool(requirements.get("host", self._settings.name) == self._settings.name)

    def _refusal(self) -> str:
        if self._closing_until_us is not None:
            return "the engine is being closed"
        return f"an engine has at most {NODES_MAX} nodes" if self._roster.is_full else ""

    def _order(self, order: Order, requirements: dict[str, Any]) -> StartNode:
        is_local = self._is_here(requirements)
        birth = Birth(
            number=order.number,
            address=self._local_address if is_local else self._settings.called_at(self._board.ports()),
            token=self._board.token if is_local else b"",
            directory=self.directory if is_local else "",
            entry=self._entry,
            order=msgspec.msgpack.encode(order if is_local else _without_secret(order)),
            silence_seconds=self._settings.silence_seconds,
        )
        return StartNode(order.number, msgspec.msgpack.encode(birth), requirements)

    def _start_brood(self) -> bool:
        notes = HelperNotes(
            directory=self.directory,
            address=self._local_address,
            token=self._board.token,
            entry=self._entry,
            sys_path=[path or os.getcwd() for path in sys.path],
            capabilities=self._settings.thespian_capabilities(),
            port=self._settings.port,
            base_address=self._settings.address,
            convention=self._settings.is_open,
        )
        try:
            self._brood = Brood(notes)
        except OSError as error:
            self._brood_until_us = self._clock.monotonic_us() + REOPEN_US
            self._tell(partial(self._events.on_broken, f"the helper process could not be started: {error}"))
            return False
        self._brood_until_us = self._clock.monotonic_us() + START_US
        return True

    def _kill_node(self, number: int) -> None:
        if self._roster.withdraw(number):
            self._tell(partial(self._events.on_exited, number, LastWords("it was given up before it was started")))
        elif self._roster.kill(number) and number in self._nodes:
            self._kill(number)
        elif number in self._elsewhere and self._roster.is_condemned(number):
            # Its host may be gone, and never answer. If it comes yet, it is turned away, which ends it.
            self._on_exited(number, LastWords("it was given up before it came"))

    def _kill(self, number: int) -> None:
        call = self._nodes[number]
        if self._is_local(self._calls[call]):
            with contextlib.suppress(ProcessLookupError):  # It has died; the end of its connection says so soon.
                os.kill(self._calls[call].pid, signal.SIGKILL)
        else:
            self._send(call, Die())

    def _begin_to_close(self) -> None:
        if self._closing_until_us is None:
            self._closing_until_us = self._clock.monotonic_us() + int(self._settings.stop_seconds * 1e6)

    # --- events ------------------------------------------------------------------------------------------------------

    def _on_events(self, events: list[Event]) -> None:
        broods = self._broods
        for event in events:
            if broods == self._broods:  # What the dead said after the engine broke is of no interest.
                self._on_event(event)

    def _on_event(self, event: Event) -> None:
        match event:
            case Joined(call, hello):
                self._calls[call] = hello
                self._on_joined(call, hello)
            case Said(call, note):
                self._on_said(self._calls[call], note)
            case Left(call, why):
                if call in self._calls:
                    self._on_left(self._calls.pop(call), why)

    def _on_joined(self, call: Call, hello: Hello) -> None:
        if hello.role == "warden":
            self._send_to_warden(self._roster.on_warden())
        elif hello.role == "node":
            self._on_node(call, hello)

    def _on_node(self, call: Call, hello: Hello) -> None:
        lives = self._roster.on_up(hello.number)
        if lives is None:
            self._drop(call)
            return
        self._nodes[hello.number] = call
        if lives:
            self._tell(partial(self._events.on_started, hello.number, hello.pid, hello.host))
        else:
            self._kill(hello.number)

    def _on_said(self, speaker: Hello, note: Note) -> None:
        match note:
            case LastWords() if speaker.role == "node":
                self._last_words[speaker.number] = note
            case NodeGone(number, why) if speaker.role == "warden":
                if number not in self._nodes:  # Otherwise the end of its connection follows, after its last words.
                    self._on_exited(number, LastWords(why))
            case HostsChanged(hosts) if speaker.role == "warden":
                self._tell(partial(self._events.on_hosts, self._hosts.welcome(hosts)))

    def _on_left(self, speaker: Hello, why: str) -> None:
        if speaker.role == "node":
            del self._nodes[speaker.number]
            if why and not self._is_local(speaker):
                self._fenced[speaker.number] = self._clock.monotonic_us() + self._fence_us
            else:
                self._on_exited(speaker.number, self._last_words.pop(speaker.number, None))
        elif self._brood is not None:
            self._break(f"its {speaker.role} died {why}".rstrip())

    @property
    def _fence_us(self) -> int:
        return (self._settings.silence_seconds + FENCE_SECONDS) * 1_000_000

    def _end_fenced(self) -> None:
        """Say of nodes that could not be reached for long enough that they have ended: they have, by themselves."""
        now_us = self._clock.monotonic_us()
        for number in [number for number, until_us in self._fenced.items() if until_us <= now_us]:
            self._on_exited(number, self._last_words.pop(number, None))

    def _on_exited(self, number: int, words: LastWords | None) -> None:
        self._fenced.pop(number, None)
        self._elsewhere.pop(number, None)
        if self._roster.on_gone(number):
            self._tell(partial(self._events.on_exited, number, words))

    # --- the helper and its like -------------------------------------------------------------------------------------

    @property
    def _local_address(self) -> str:
        return self._settings.addresses(self.directory)[0]

    def _is_local(self, hello: Hello) -> bool:
        return not self._settings.is_open or hello.host == self._settings.name

    def _look_after_brood(self) -> None:
        if self._brood is None:
            if self._settings.is_open and self._clock.monotonic_us() >= self._brood_until_us:
                self._start_brood()  # Also without nodes of its own, because others may want to join.
            return
        if not any(hello.role == "helper" for hello in self._calls.values()) and self._brood.has_ended():
            self._break("its helper process ended")
        elif not self._roster.has_warden and self._clock.monotonic_us() >= self._brood_until_us:
            self._break(f"its warden did not call within {START_US / 1e6:g} s")

    def _break(self, why: str) -> None:
        self._bury()
        self._brood_until_us = self._clock.monotonic_us() + REOPEN_US
        self._roster.on_broken()
        self._last_words.clear()
        self._tell(partial(self._events.on_broken, why))

    def _bury(self) -> None:
        """End everything; when this returns, nothing on this host acts any more."""
        if self._brood is not None:
            self._brood.end()
            self._brood = None
        for call, hello in list(self._calls.items()):
            if self._is_local(hello):
                call.wait_end(BURY_SECONDS)
            else:
                self._send(call, Die())
        self._calls.clear()
        self._nodes.clear()
        self._fenced.clear()
        self._elsewhere.clear()
        self._board.renew()
        self._broods += 1

    def _drop(self, call: Call) -> None:
        self._calls.pop(call, None)
        self._board.drop(call)

    def _send_to_warden(self, orders: list[StartNode]) -> None:
        wardens = [call for call, hello in self._calls.items() if hello.role == "warden"]
        for order in orders:
            self._send(wardens[0], order)

    def _send(self, call: Call, note: Note) -> None:
        with contextlib.suppress(OSError):  # It has died; the end of its connection says so soon.
            call.send(note)

    def let_go(self) -> None:
        """Be no part of the engine: for a copy of this process, made by `fork`."""
        self._board.forget()
        if self._brood is not None:
            self._brood.forget()


def _without_secret(order: Order) -> Order:
    """What may leave this host."""
    assert isinstance(order, msgspec.Struct)
    return msgspec.structs.replace(order, secret=b"") if hasattr(order, "secret") else order


def _let_go_when_forked(engine: ThespianEngine) -> None:
    known = weakref.ref(engine)

    def let_go() -> None:
        copy = known()
        if copy is not None:
            copy.let_go()

    os.register_at_fork(after_in_child=let_go)
