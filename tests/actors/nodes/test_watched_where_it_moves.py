"""An actor that begins on another node is watched there, however late that node hears of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from actorstream.actors import Actor, ActorSystem, Context, Message, Ref, Terminated, receives
from actorstream.host import Weather
from actorstream.host.logs import silence
from tests.actors.nodes.survival import walk

TOLD: Counter[tuple[str, int]] = Counter()
"""How often each watcher was told of the end of each incarnation."""

HEARD: Counter[str] = Counter()
"""How many words each talker has brought to "listener"."""


class Word(Message):
    teller: str


class Listener(Actor):
    """Counts what it hears."""

    @receives(Word)
    def on_word(self, word: Word, context: Context) -> None:
        HEARD[word.teller] += 1


class Watcher(Actor):
    """Watches "listener", and says a word to it whenever it has ended."""

    def started(self, context: Context) -> None:
        context.watch(Ref("listener"))

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        TOLD[context.path, ended.incarnation] += 1
        context.send(Ref("listener"), Word(context.path))


@pytest.fixture(autouse=True)
def nothing_yet() -> Iterator[None]:
    TOLD.clear()
    HEARD.clear()
    with silence():
        yield


@pytest.mark.parametrize("seed", range(60))
def test_who_moved_is_watched_and_reached_by_those_who_know_its_place_before_it_is_there(seed: int) -> None:
    """The question where it lives overtakes the order to begin there."""
    with ActorSystem(nodes=4, runtime="simulation", seed=seed) as system:
        system.spawn(Listener, name="listener", node="any", restart="permanent", backoff="1ms")
        watchers = [f"watcher-{number}" for number in range(1, 5)]
        for number, name in enumerate(watchers, 1):
            system.spawn(Watcher, name=name, node=f"node-{number}", restart="permanent", backoff="1ms")
        system.world.fabric.weather = Weather(delay_us=(50, 20_000))
        system.run_for("1s")
        lives = []
        for _ in range(4):
            listener = next(one for one in walk(system) if one["path"] == "listener")
            lives.append(listener["incarnation"])
            system.world.crash(listener["node"])
            system.run_for("30s")

        for life in lives:
            survivors = [name for name in watchers if TOLD[name, life]]
            assert len(survivors) >= 3, f"of {life:x} only {survivors} were told"
        assert set(TOLD.values()) == {1}
        assert sum(HEARD.values()) == sum(TOLD.values())
