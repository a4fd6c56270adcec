"""The Thespian actors of an engine: a warden, and for each node one that is its process.

Nothing but births and deaths goes through Thespian. The warden takes its orders from the driver over a connection of
its own, and tells it what Thespian knows: which of its children have ended, which hosts have come and gone.
Imported where Thespian is, in the helper process and whatever is forked from it; never in the user's.
"""

from __future__ import annotations

import importlib
import logging
import os
import posix
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from thespian.actors import (
    Actor,
    ActorAddress,
    ActorSystemConventionUpdate,
    ChildActorExited,
    PoisonMessage,
    ThespianWatch,
    WakeupMessage,
    WatchMessage,
)

from actorstream.actors.engine.calls import SECRET_FILE, Call, call
from actorstream.actors.engine.ending import end_group
from actorstream.actors.engine.lifeline import Lifeline
from actorstream.actors.engine.notes import (
    AnyNote,
    BadNote,
    Birth,
    HelperNotes,
    HostsChanged,
    NodeGone,
    StartNode,
    pack,
    unpack,
)
from actorstream.host.logs import logger

PARENT_SECONDS = 0.25
"""How often the warden looks whether Thespian's admin still lives."""

# process-wide: Thespian replaces these in every process it forks, so that log lines go through it; nodes put them back.
_LOGGING = (logging.root, logging.Logger.manager)


class Warden(Actor):  # type: ignore[misc]  # Thespian has no types.
    """See the module. If it fails, the whole engine ends, and the driver makes another one."""

    def __init__(self) -> None:
        super().__init__()
        self._notes: HelperNotes | None = None
        self._call: Call | None = None
        self._nodes: list[tuple[ActorAddress, int]] = []
        self._hosts: dict[str, dict[str, Any]] = {}
        self._parent = os.getppid()

    def receiveMessage(self, message: Any, sender: ActorAddress) -> ThespianWatch | None:
        """Take a message from Thespian."""
        try:
            self._on_message(message)
        except (EOFError, ConnectionError, BadNote):
            end_group(self._notes.directory if self._notes else "")
        except Exception:
            logger().exception("the warden of nodes failed")
            end_group()
        return ThespianWatch([self._call.fileno()]) if self._call else None

    def _on_message(self, message: Any) -> None:
        match message:
            case bytes():
                self._begin(unpack(message[4:]))
            case WatchMessage():
                self._listen()
            case ChildActorExited():
                self._on_child_exited(message.childAddress)
            case WakeupMessage():
                self._look()
            case ActorSystemConventionUpdate():
                self._on_host(message)
            case PoisonMessage():
                logger().error("a node could not take its order", error=str(message.details))

    def _begin(self, notes: AnyNote) -> None:
        assert isinstance(notes, HelperNotes)
        self._notes = notes
        self._call = call(notes.address, notes.token, "warden", 0)
        self.wakeupAfter(timedelta(seconds=PARENT_SECONDS))
        if notes.convention:
            self.notifyOnSystemRegistrationChanges(True)

    def _listen(self) -> None:
        assert self._call is not None
        for note in self._call.receive():
            if isinstance(note, StartNode):
                self._start(note)

    def _start(self, order: StartNode) -> None:
        node = self.createActor(NodeActor, targetActorRequirements=order.requirements or None)
        self._nodes.append((node, order.number))
        self.send(node, order.birth)

    def _on_child_exited(self, child: ActorAddress) -> None:
        assert self._call is not None
        for node, number in list(self._nodes):
            if node == child:
                self._nodes.remove((node, number))
                self._call.send(NodeGone(number, "its process has ended"))

    def _look(self) -> None:
        if os.getppid() != self._parent:
            end_group()
        self.wakeupAfter(timedelta(seconds=PARENT_SECONDS))

    def _on_host(self, update: ActorSystemConventionUpdate) -> None:
        assert self._call is not None
        address = str(update.remoteAdminAddress)
        if update.remoteAdded:
            self._hosts[address] = _plain(update.remoteCapabilities)
        else:
            self._hosts.pop(address, None)
        self._call.send(HostsChanged(self._hosts))


class NodeActor(Actor):  # type: ignore[misc]  # Thespian has no types.
    """The process of one node. After its birth it hears nothing more through Thespian."""

    @staticmethod
    def actorSystemCapabilityCheck(  # Thespian's name.
        capabilities: dict[str, Any], requirements: dict[str, Any]
    ) -> bool:
        """Whether a host with these capabilities is one for a node with these requirements."""
        return all(capabilities.get(name) == value for name, value in requirements.items())

    def receiveMessage(self, message: Any, sender: ActorAddress) -> None:
        """Take the birth; whatever goes wrong ends the process."""
        if not isinstance(message, bytes):
            return
        lifeline = None
        try:
            _restore_process()
            birth = msgspec.msgpack.decode(message, type=Birth)
            token = birth.token or _secret()
            driver = call(birth.address, token, "node", birth.number, birth.silence_seconds)
            lifeline = Lifeline(driver, birth.directory)
            lifeline.start()
            order = birth.order if birth.token else _with_secret(birth.order, token)
            lifeline.watch(load(birth.entry)(order, lifeline.end))
        except BaseException:
            logger().exception("a node could not start")
            if lifeline is not None:
                lifeline.end(traceback.format_exc())
            os._exit(1)


def load(entry: str) -> Any:
    """The function that "module:function" names."""
    module, _, name = entry.partition(":")
    return getattr(importlib.import_module(module), name)


def birth_of(birth: Birth) -> bytes:
    """What the warden passes on."""
    return msgspec.msgpack.encode(birth)


def packed(notes: HelperNotes) -> bytes:
    """What the warden is told first."""
    return pack(notes)


def _restore_process() -> None:
    """Undo what Thespian, and we for Thespian, changed in this process."""
    os.setsid = posix.setsid
    root, manager = _LOGGING
    logging.root = logging.Logger.root = root
    logging.Logger.manager = manager


def _secret() -> bytes:
    return Path(os.environ[SECRET_FILE]).read_bytes().strip()


def _with_secret(order: bytes, secret: bytes) -> bytes:
    """An order that came from another host, with the secret that never left this one."""
    fields = msgspec.msgpack.decode(order)
    return msgspec.msgpack.encode({**fields, "secret": secret})


def _plain(capabilities: dict[Any, Any]) -> dict[str, Any]:
    """What can be said in msgpack of the capabilities of a host."""
    simple = (str, int, float, bool, type(None))
    return {str(key): value for key, value in capabilities.items() if isinstance(value, simple)}
