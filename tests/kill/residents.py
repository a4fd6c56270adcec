"""Actors that live on nodes, watch each other, and tell a witness in this process what becomes of them."""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import Any

from actorstream.actors import Actor, ActorSystem, Context, Message, Ref, Terminated, receives
from tests.actors.runtimes import Carried, Carry, Post

WITNESS = Ref("witness")
SECONDS_MAX = 30.0
"""How long anything may take before a test fails."""

PERMANENT = {"node": "any", "restart": "permanent", "backoff": "1ms", "restarts": 100_000}
"""How residents are spawned."""


class Begun(Message):
    """An incarnation of the resident at `path` has begun."""

    path: str
    incarnation: int
    pid: int


class Told(Message):
    """The incarnation `watcher` was told that one of the actor at `path` has ended."""

    watcher: str
    path: str
    incarnation: int
    reason: str


class Look(Message):
    """Watch the others: all of them are there now."""


class Facts(Message):
    """Tell what you know."""


class Known(Message):
    """What the witness knows.

    Attributes:
        lives: of each resident, in order: incarnation, process, and when it had begun, in seconds.
        told: how often each watcher was told of each incarnation.
        when: when this process was told of each, in seconds.
    """

    lives: dict[str, list[tuple[int, int, float]]]
    told: Counter[tuple[str, str, int]]
    when: dict[int, float]


class Resident(Post, accepts=Terminated | Carry | Carried | Look):
    """Watches the others."""

    def __init__(self, others: list[str]) -> None:
        self.others = others

    def started(self, context: Context) -> None:
        context.send(WITNESS, Begun(context.path, context.incarnation, os.getpid()))
        self.watch_all(context)

    @receives(Look)
    def on_look(self, _: Look, context: Context) -> None:
        self.watch_all(context)

    def watch_all(self, context: Context) -> None:
        for other in self.others:
            context.watch(Ref(other))

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        watcher = f"{context.path}#{context.incarnation}"
        context.send(WITNESS, Told(watcher, ended.ref.path, ended.incarnation, type(ended.reason).__name__))


class Witness(Actor, accepts=Begun | Told | Terminated | Facts):
    """Writes everything down; watches everybody, too."""

    def __init__(self, residents: list[str]) -> None:
        self.residents = residents
        self.known = Known({one: [] for one in residents}, Counter(), {})

    @receives(Begun)
    def on_begun(self, begun: Begun, context: Context) -> None:
        self.known.lives[begun.path].append((begun.incarnation, begun.pid, time.perf_counter()))
        context.watch(Ref(begun.path))

    @receives(Told)
    def on_told(self, told: Told, context: Context) -> None:
        self.known.told[told.watcher, told.path, told.incarnation] += 1

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        self.known.told["witness", ended.ref.path, ended.incarnation] += 1
        self.known.when[ended.incarnation] = time.perf_counter()

    @receives(Facts)
    def on_facts(self, _: Facts, context: Context) -> None:
        known = self.known
        context.reply(Known({one: list(lives) for one, lives in known.lives.items()}, +known.told, dict(known.when)))


def settle(system: ActorSystem, count: int) -> list[str]:
    """So many residents, on any node, that have all begun."""
    names = [f"r{number}" for number in range(count)]
    system.spawn(Witness, names, name="witness")
    for name in names:
        others = [other for other in names if other != name]
        system.spawn(Resident, others, name=name, **PERMANENT)
    wait_until(system, lambda known: all(known.lives[name] for name in names))
    for name in names:  # Whoever watched somebody who was still to be spawned was told that there is nobody.
        system.tell(Ref(name), Look())
    meet(system, names)
    return names


def meet(system: ActorSystem, names: list[str]) -> None:
    """Wait until the node of each knows who watches: what is carried now comes behind that."""
    for name in names:
        for other in names:
            if other != name:
                system.ask(Ref(name), Carry(Ref(other)), timeout="20s")


def known(system: ActorSystem) -> Known:
    """What the witness knows."""
    answer: Any = system.ask(WITNESS, Facts(), timeout="20s")
    assert isinstance(answer, Known)
    return answer


def wait_until(system: ActorSystem, holds: Any, seconds: float = SECONDS_MAX) -> Known:
    """Wait until something holds of what the witness knows."""
    deadline = time.monotonic() + seconds
    while not holds(now := known(system)):
        assert time.monotonic() < deadline, f"it did not happen: {now}"
        time.sleep(0.002)
    return now


def victims(now: Known, pid: int) -> dict[str, int]:
    """Who lives in this process, and its incarnation."""
    return {name: lives[-1][0] for name, lives in now.lives.items() if lives[-1][1] == pid}


def survivors(now: Known, pid: int) -> list[str]:
    """Everybody who is not there, as watchers are called."""
    return ["witness"] + [f"{name}#{lives[-1][0]}" for name, lives in now.lives.items() if lives[-1][1] != pid]


def are_told(now: Known, dead: dict[str, int], watchers: list[str]) -> bool:
    """Whether each of these watchers was told of each of these ends."""
    return all(now.told[watcher, path, number] for watcher in watchers for path, number in dead.items())


def are_back(now: Known, dead: dict[str, int]) -> bool:
    """Whether everybody has begun again."""
    return all(now.lives[name][-1][0] != incarnation for name, incarnation in dead.items())


def pids_of(now: Known) -> list[int]:
    """All processes that anybody lived in, in order."""
    return list(dict.fromkeys(pid for lives in now.lives.values() for _, pid, _ in lives))
