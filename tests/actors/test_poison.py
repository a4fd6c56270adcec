"""Messages that crash their actor again and again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.actors import Actor, ActorSystem, Context, Message, Poison, Supervisor, child, receives
from actorstream.actors.limits import POISON_MAX
from actorstream.actors.poison import PoisonCounts, decode, encode
from actorstream.actors.poison_book import PATH
from actorstream.errors import ActorTerminated, BadInput, Poisoned
from actorstream.host import Entropy, Host, MemoryDisk, VirtualClock
from actorstream.host.disk import read_bytes, replace_bytes
from tests.actors.recorder import Recorder, record, story


class Bad(Message):
    delivery: str | None = None


class Good(Message):
    number: int


class Eater(Actor, accepts=Bad | Good):
    """Tells the recorder what it begins with."""

    @receives(Bad)
    def on_bad(self, _: Bad, context: Context) -> None:
        record(context, "bad")
        raise ValueError("not this")

    @receives(Good)
    def on_good(self, good: Good, context: Context) -> None:
        record(context, good.number)


def eat(system: ActorSystem, poison: Poison | None) -> list[Any]:
    """What an eater with this rule begins with, when something good waits behind something bad."""
    system.spawn(Recorder, name="recorder")
    eater = system.spawn(Eater, name="eater", backoff="1ms", poison=poison)
    system.tell(eater, Bad())
    system.tell(eater, Good(1))
    times = poison.times if poison else 1
    return story(system, times + 1)


def test_poison_is_delivered_first_until_it_has_crashed_so_often(system: ActorSystem) -> None:
    """Then the actor goes on with what waited behind it."""
    assert eat(system, Poison(times=3)) == ["bad", "bad", "bad", 1]


@pytest.mark.one_process("dead letters are kept on the node where they are found")
def test_poison_is_a_dead_letter_in_the_end(system: ActorSystem) -> None:
    """With how often it crashed whom, and the error."""
    eat(system, Poison(times=3))

    [letter] = system.newest_dead_letters
    assert (letter.path, letter.message, letter.why) == ("eater", "Bad", "it crashed its actor 3 times")
    assert isinstance(letter.error, ValueError)


@pytest.mark.one_process("what is skipped is counted and logged on its node")
def test_poison_may_be_skipped(system: ActorSystem, logged: list[Any]) -> None:
    """It is counted and logged."""
    assert eat(system, Poison(times=2, then="skip")) == ["bad", "bad", 1]

    assert (system.skipped, system.dead_letters) == (1, 0)
    assert [entry["crashes"] for entry in logged if entry["event"] == "poison skipped"] == [2]


def test_without_a_rule_it_is_dropped(system: ActorSystem) -> None:
    """The first time, as everything that crashes an actor."""
    assert eat(system, None) == ["bad", 1]


def test_poison_may_stop_the_supervisor(simulation: ActorSystem) -> None:
    """The actor is not started again; its supervisor fails, and says why."""

    class Desk(Supervisor):
        children = (child("eater", Eater, backoff="1ms", poison=Poison(times=2, then="stop")),)

    simulation.spawn(Recorder, name="recorder")
    simulation.spawn(Desk, name="desk", restart="temporary")
    simulation.tell(simulation.find("desk/eater"), Bad())
    simulation.run()

    assert simulation.tree() == "recorder  running  restarts=0  mailbox=0"
    assert [type(failure.error) for failure in simulation.failures] == [ValueError, ValueError, ActorTerminated]
    poisoned = simulation.failures[-1].error.__cause__
    assert isinstance(poisoned, Poisoned)
    assert isinstance(poisoned.__cause__, ValueError)


def test_whoever_asked_waits_for_the_next_try(simulation: ActorSystem) -> None:
    """A question that crashed the actor is answered, or told to be lost, at the end only."""
    simulation.spawn(Recorder, name="recorder")
    eater = simulation.spawn(Eater, name="eater", backoff="1ms", poison=Poison(times=3))

    with pytest.raises(ActorTerminated):
        simulation.ask(eater, Bad())

    assert len(simulation.failures) == 3


def simulated(host: Host) -> ActorSystem:
    system = ActorSystem(runtime="simulation", seed=1, host=host)
    system.spawn(Recorder, name="recorder")
    return system


def test_the_count_of_a_delivery_survives_the_process() -> None:
    """What crashed a process's actor twice has one try left in the next process."""
    host = Host(VirtualClock(), Entropy(1), MemoryDisk())
    for expected in (2, 1):
        with simulated(host) as system:
            eater = system.spawn(Eater, name="eater", backoff="1h", poison=Poison(times=3))
            system.tell(eater, Bad("orders-0@7"))
            system.run(until=lambda: len(system.failures) == expected)  # noqa: B023
            system.abandon()

    assert system.dead_letters == 1


def test_a_damaged_file_stops_nobody(logged: list[Any]) -> None:
    """It is reported; counting begins anew."""
    host = Host(VirtualClock(), Entropy(1), MemoryDisk())
    host.disk.make_dir("actors")
    replace_bytes(host.disk, PATH, b"something else")
    with simulated(host) as system:
        eater = system.spawn(Eater, name="eater", backoff="1ms", poison=Poison(times=2))
        system.tell(eater, Bad("d"))
        system.run()

    assert "counts of poison unreadable" in [entry["event"] for entry in logged]
    assert decode(read_bytes(host.disk, PATH)) == [("eater", "d", 2)]


ENTRIES = st.lists(st.tuples(st.text(), st.text(), st.integers(1, 100)))


@given(ENTRIES)
def test_what_was_written_is_read(entries: list[tuple[str, str, int]]) -> None:
    """The codec gives back what it got."""
    assert decode(encode(entries)) == entries


@given(ENTRIES, st.data())
def test_damage_is_seen(entries: list[tuple[str, str, int]], data: st.DataObject) -> None:
    """One changed byte, or a cut, is refused."""
    written = bytearray(encode(entries))
    position = data.draw(st.integers(0, len(written) - 1))
    if data.draw(st.booleans()):
        del written[position:]
    else:
        written[position] ^= data.draw(st.integers(1, 255))

    with pytest.raises(BadInput):
        decode(bytes(written))


def test_counts_are_bounded() -> None:
    """The oldest suspects are forgotten."""
    counts = PoisonCounts()
    for number in range(POISON_MAX + 5):
        counts.crashed("eater", Bad(str(number)))

    assert len(counts.entries()) == POISON_MAX
    assert counts.crashed("eater", Bad("0")) == 1
