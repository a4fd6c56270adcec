"""Nodes killed at random for a long time, while their actors talk to each other and are watched.

ACTORSTREAM_NIGHTLY_SECONDS says for how long; without it this is skipped. The moments come from a seed that a failure
prints: ACTORSTREAM_KILL_SEED=123 tries one again.
"""

from __future__ import annotations

import gc
import os
import random
import signal
import time
from typing import Any

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Message, Ref, Terminated, receives
from actorstream.host.logs import silence
from tests.actors.engine.group import members, wait_gone, wait_until
from tests.actors.flow.pacing import resident_kib
from tests.kill.residents import PERMANENT, WITNESS, Begun

SECONDS = float(os.environ.get("ACTORSTREAM_NIGHTLY_SECONDS", "0"))
NODES, RESIDENTS = 3, 8
BESIDES = 4
"""Processes besides those of nodes: helper, admin, logger, warden."""

PAUSE_SECONDS = (0.1, 1.1)
"""Between two kills. Each place for a node may be filled sixty times a minute."""

REMEMBERED_MAX = 1_000
"""Ends that the ledger remembers, to see one that is told twice."""

GROWTH_KIB_MAX = 6 * 1024
"""How much this process may grow after the first third."""

pytestmark = pytest.mark.skipif(not SECONDS, reason="ACTORSTREAM_NIGHTLY_SECONDS does not say for how long")


class Tick(Message):
    """Say something."""


class Word(Message):
    number: int


class Report(Message):
    """Tell what the ledger says."""


class Account(Message):
    """What happened.

    Attributes:
        running: of each resident, the incarnations that have begun and whose end was not told, with their processes.
        ended: how many ends were told.
        unseen: of those, how many were of an incarnation that never said that it had begun.
        wrong: ends that were told twice, and begins that came after the end.
    """

    running: dict[str, dict[int, int]]
    ended: int
    unseen: int
    wrong: list[tuple[str, int]]


class Talker(Actor, accepts=Tick | Word | Terminated):
    """Watches the others, and tells each a word fifty times a second."""

    def __init__(self, others: list[str]) -> None:
        self.others = [Ref(other) for other in others]
        self.number = 0

    def started(self, context: Context) -> None:
        context.send(WITNESS, Begun(context.path, context.incarnation, os.getpid()))
        for other in self.others:
            context.watch(other)
        context.schedule("20ms", Tick())

    @receives(Tick)
    def on_tick(self, tick: Tick, context: Context) -> None:
        self.number += 1
        for other in self.others:
            context.send(other, Word(self.number))
        context.schedule("20ms", tick)

    @receives(Word, Terminated)
    def on_word(self, _: Message, context: Context) -> None:
        """Listen."""


class Ledger(Actor, accepts=Begun | Terminated | Report):
    """Keeps account of each incarnation, in bounded memory."""

    def __init__(self, names: list[str]) -> None:
        self.running: dict[str, dict[int, int]] = {name: {} for name in names}
        self.told: dict[tuple[str, int], None] = {}
        self.ended = self.unseen = 0
        self.wrong: list[tuple[str, int]] = []

    @receives(Begun)
    def on_begun(self, begun: Begun, context: Context) -> None:
        if (begun.path, begun.incarnation) in self.told:
            self.wrong.append((begun.path, begun.incarnation))
        self.running[begun.path][begun.incarnation] = begun.pid
        context.watch(Ref(begun.path))  # Nothing, if it is watched.

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        path, number = ended.ref.path, ended.incarnation
        self.ended += 1
        self.unseen += self.running[path].pop(number, None) is None
        if number and (path, number) in self.told:
            self.wrong.append((path, number))
        self.told[path, number] = None
        if len(self.told) > REMEMBERED_MAX:
            del self.told[next(iter(self.told))]

    @receives(Report)
    def on_report(self, _: Report, context: Context) -> None:
        running = {name: dict(lives) for name, lives in self.running.items()}
        context.reply(Account(running, self.ended, self.unseen, list(self.wrong)))


def account(system: ActorSystem) -> Account:
    """What the ledger says."""
    answer: Any = system.ask(WITNESS, Report(), timeout="30s")
    assert isinstance(answer, Account)
    return answer


def pids(now: Account) -> list[int]:
    """Processes where somebody lives, as far as is known."""
    return sorted({pid for lives in now.running.values() for pid in lives.values()})


def is_whole(now: Account) -> bool:
    """Whether everybody lives once."""
    return all(len(lives) == 1 for lives in now.running.values())


def is_calm(system: ActorSystem, group: int) -> bool:
    """Whether all nodes are up, and everybody lives once, in a process that lives."""
    now = account(system)
    alive = members(group)
    return len(system.nodes) == NODES + 1 and is_whole(now) and all(pid in alive for pid in pids(now))


def fire(system: ActorSystem, chance: random.Random, seconds: float) -> int:
    """Kill nodes at random, for so long; returns how many."""
    end, kills = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        time.sleep(chance.uniform(*PAUSE_SECONDS))
        found = pids(account(system))
        for pid in chance.sample(found, min(len(found), chance.choice((1, 1, 1, 2)))):
            try:
                os.kill(pid, signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                pass  # It is dead already, and that is about to be told.
    return kills


def test_nodes_killed_again_and_again_leave_nothing_behind() -> None:
    """No end is lost or told twice, nobody is missing, no process is left, and this process does not grow."""
    seed = int(os.environ.get("ACTORSTREAM_KILL_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"ACTORSTREAM_KILL_SEED={seed}")
    chance = random.Random(seed)
    names = [f"r{number}" for number in range(RESIDENTS)]
    with silence(), ActorSystem(nodes=NODES) as system:
        system.spawn(Ledger, names, name="witness")
        for name in names:
            system.spawn(Talker, [other for other in names if other != name], name=name, **PERMANENT)
        wait_until(lambda: is_whole(account(system)), "all begin")
        group = os.getpgid(pids(account(system))[0])
        directory = system._nodes._engine.directory  # type: ignore[union-attr]

        kills = fire(system, chance, SECONDS / 3)
        wait_until(lambda: is_calm(system, group), "everybody is back")
        gc.collect()
        before_kib = resident_kib()
        kills += fire(system, chance, 2 * SECONDS / 3)
        wait_until(lambda: is_calm(system, group), "everybody is back")
        gc.collect()
        growth_kib = resident_kib() - before_kib

        now = account(system)
        print(f"{kills} kills, {now.ended} ends, {now.unseen} unseen; grew by {growth_kib} KiB")
        assert now.wrong == []
        assert growth_kib < GROWTH_KIB_MAX
        wait_until(lambda: len(members(group)) == NODES + BESIDES, "no process but those that should be there")
        assert system.failed is None
    wait_gone(group, directory)
