"""Actors that talk to each other and watch each other over many nodes, and a chronicle of what they did and heard."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from actorstream.actors import (
    ActorSystem,
    Context,
    ExitReason,
    Message,
    Ref,
    Supervisor,
    Terminated,
    child,
    one_for_all,
    one_for_one,
    receives,
    rest_for_one,
)
from actorstream.errors import DiskFull
from actorstream.host import Disk, Entropy

STRATEGIES = {"one_for_one": one_for_one, "one_for_all": one_for_all, "rest_for_one": rest_for_one}
PLACES = ("any", "any", None, "node-1")
FRIENDS = ("t0", "t1", "t0/n0", "t1/n0", "t0/n1", "t0/n0/n0")

Shape = list[Any]


@dataclass
class Chronicle:
    """What happened, in order of virtual time.

    Attributes:
        system: where.
        begun: the incarnations of each path.
        ended: those that ended by themselves, and why.
        killed: those that could not.
        told: (watcher, path, incarnation) of each end that was told.
        heard: the numbers that each incarnation heard of each teller.
        refused: the nodes that must not take a word, because they knew when it was said that its teller's was dead.
    """

    system: ActorSystem | None = None
    begun: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    ended: dict[int, ExitReason] = field(default_factory=dict)
    killed: dict[int, None] = field(default_factory=dict)
    told: Counter[tuple[int, str, int]] = field(default_factory=Counter)
    heard: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    refused: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)

    def who_knows_dead(self, number: int) -> list[int]:
        """The nodes that know that this one is dead, while it talks."""
        if self.system is None or not self.system.world.happened["woken"]:
            return []
        clusters = [kernel.cluster for kernel in kernels(self.system)]
        return [one.number for one in clusters if one is not None and one.links.is_fenced(number)]


CHRONICLE = Chronicle()


def begin_chronicle(system: ActorSystem) -> None:
    """A new one."""
    CHRONICLE.__init__(system)  # type: ignore[misc]


def kernels(system: ActorSystem) -> list[Any]:
    """Those of all nodes that live, the driver's first."""
    return [system._kernel, *system.world.kernels().values()]


class Word(Message):
    """The next of the words of an incarnation."""

    teller: int
    number: int


class Heard(Message):
    """The answer."""

    number: int


class Tick(Message):
    pass


class Written(Message):
    lines: int


class Member(Supervisor):
    """Talks to its friends, watches whoever talks to it, keeps a diary, and has children like itself."""

    def __init__(self, shape: Shape, strategy: str, friends: list[str]) -> None:
        self.strategy = STRATEGIES[strategy](restarts=50)
        self.children = [
            child(f"n{number}", Member, *inner, node=node, backoff="1ms..20ms", hang_after="1s")
            for number, (node, *inner) in enumerate(shape)
        ]
        self.friends = list(dict.fromkeys(friends))
        self.watching: dict[str, None] = {}
        self.number = 0

    def started(self, context: Context) -> None:
        CHRONICLE.begun[context.path].append(context.incarnation)
        for friend in self.friends:
            self._watch(friend, context)
        context.schedule("50ms", Tick())

    def stopped(self, context: Context, reason: ExitReason) -> None:
        CHRONICLE.ended[context.incarnation] = reason

    def _watch(self, path: str, context: Context) -> None:
        if path not in self.watching and path != context.path:
            self.watching[path] = None
            context.watch(Ref(path))

    @receives(Tick)
    def on_tick(self, tick: Tick, context: Context) -> None:
        self.number += 1
        knowing = CHRONICLE.who_knows_dead(context.incarnation >> 32)
        if knowing:
            CHRONICLE.happened["said by a zombie"] += 1
            CHRONICLE.refused[context.incarnation, self.number] = knowing
        for friend in self.friends:
            context.send(Ref(friend), Word(context.incarnation, self.number))
        if self.number % 8 == 0:
            disk, name = context.host.disk, f"diary-{context.path.replace('/', '-')}"
            context.background(lambda: write_line(disk, name), Written)
        context.schedule("50ms", tick)

    @receives(Word)
    def on_word(self, word: Word, context: Context) -> None:
        teller, me = word.teller, context.incarnation
        heard = CHRONICLE.heard.setdefault((me, teller), [])
        assert not heard or heard[-1] < word.number, f"out of order, or twice: {word} after {heard[-3:]}"
        assert not heard or heard[-1] + 1 == word.number, "a word is missing"
        assert (me, context.sender.path, teller) not in CHRONICLE.told, "somebody speaks whose end was told"
        assert me >> 32 not in CHRONICLE.refused.get((teller, word.number), ()), "a zombie was heard"
        heard.append(word.number)
        self._watch(context.sender.path, context)
        context.reply(Heard(word.number))

    @receives(Heard)
    def on_heard(self, heard: Heard, context: Context) -> None:
        CHRONICLE.happened["answered"] += 1

    @receives(Written)
    def on_written(self, written: Written, context: Context) -> None:
        CHRONICLE.happened["written" if written.lines else "no room"] += 1

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        self.watching.pop(ended.ref.path, None)
        event = (context.incarnation, ended.ref.path, ended.incarnation)
        if ended.incarnation:
            CHRONICLE.told[event] += 1
            assert CHRONICLE.told[event] == 1, f"told twice of {ended}"


def write_line(disk: Disk, name: str) -> int:
    """Write one line, durably; 0 if there is no room for it."""
    try:
        file = disk.open(name, create=True)
        file.append(b"x" * 64)
    except DiskFull:
        return 0
    file.sync()
    disk.sync_dir("")
    return 1


def random_shape(entropy: Entropy, depth: int) -> Shape:
    """A tree of so many storeys below the first."""
    return [
        (
            entropy.choice(PLACES),
            random_shape(entropy, depth - 1) if depth else [],
            entropy.choice(tuple(STRATEGIES)),
            [entropy.choice(FRIENDS) for _ in range(entropy.below(3))],
        )
        for _ in range(entropy.between(1, 3))
    ]


def found(system: ActorSystem, entropy: Entropy) -> None:
    """Spawn two trees, anywhere."""
    for number in range(2):
        friends = ["t0/n0", "t1/n0", "t0/n0/n0"]
        options = {"node": "any", "backoff": "1ms..20ms", "restarts": 200, "hang_after": "1s"}
        system.spawn(Member, random_shape(entropy, 1), "one_for_one", friends, name=f"t{number}", **options)
