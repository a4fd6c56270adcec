"""The simulated network: each fault does something, is counted, and happens again with the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorstream.host import Connection, Entropy, MemoryFabric, Network, Weather
from actorstream.host.memory_network import CONNECT_TIMEOUT_US
from tests.host.networks import MemoryWorld, Recorder, pair

COUNT = 400


def sent_through(world: MemoryWorld, weather: Weather) -> tuple[Recorder, Recorder]:
    """What came of a few hundred frames sent in this weather."""
    _, there, here = pair(world, Recorder(), Recorder())
    world.fabric.weather = weather
    send(here, range(COUNT))
    world.settle()
    return there, here


def send(here: Recorder, numbers: Sequence[int]) -> None:
    for number in numbers:
        here.connection.send([number.to_bytes(4, "big")])


def numbers(there: Recorder) -> list[int]:
    return [int.from_bytes(frame, "big") for frame in there.frames]


def test_frames_are_late_and_in_order() -> None:
    """Each takes a time of its own, and waits for those before it."""
    times: list[int] = []
    world = MemoryWorld()
    _, there, here = pair(world, Recorder(script=lambda *_: times.append(world.now_us)), Recorder())
    world.fabric.weather = Weather(delay_us=(1000, 90_000))
    start_us = world.now_us
    times.clear()

    send(here, range(COUNT))
    world.settle()

    assert numbers(there) == list(range(COUNT))
    assert times == sorted(times)
    assert 1000 <= times[0] - start_us < times[-1] - start_us <= 90_000
    assert world.fabric.happened["delay"] >= COUNT


def test_a_lost_frame_vanishes_and_nobody_is_told() -> None:
    """The others come in order; the backlog does not keep it."""
    world = MemoryWorld()

    there, here = sent_through(world, Weather(loss=0.1))

    came = numbers(there)
    assert came == sorted(set(came))
    assert len(came) == COUNT - world.fabric.happened["loss"] < COUNT
    assert (there.why, here.why, here.connection.backlog_bytes) == ("", "", 0)


def test_a_frame_may_arrive_twice() -> None:
    """The second time is later, and others may lie between."""
    world = MemoryWorld()

    there, here = sent_through(world, Weather(duplication=0.1))

    came = numbers(there)
    assert sorted(set(came)) == list(range(COUNT))
    assert len(came) == COUNT + world.fabric.happened["duplication"] > COUNT
    assert here.connection.backlog_bytes == 0


def test_a_frame_may_be_overtaken() -> None:
    """All arrive once, but not in order."""
    world = MemoryWorld()

    there, _ = sent_through(world, Weather(reorder=0.1))

    came = numbers(there)
    assert sorted(came) == list(range(COUNT))
    assert came != sorted(came)
    assert world.fabric.happened["reorder"] > 0


def test_a_reset_ends_both_sides_at_different_times() -> None:
    """What was under way is lost; each end is told, once."""
    ends: list[tuple[str, int]] = []
    world = MemoryWorld()

    def note(name: str) -> Recorder:
        return Recorder(script=lambda _, what: ends.append((name, world.now_us)) if what == "close" else None)

    _, there, here = pair(world, note("there"), note("here"))
    world.fabric.weather = Weather(reset=0.05)
    send(here, range(COUNT))
    world.settle()

    assert sorted(name for name, _ in ends) == ["here", "there"]
    assert ends[0][1] != ends[1][1]
    assert len(there.frames) < COUNT
    assert (there.why, here.why) == ("the connection was reset", "the connection was reset")
    assert world.fabric.happened["reset"] == 1


@pytest.mark.parametrize(("sources", "targets"), [(["here"], ["there"]), (["there", "x"], ["y", "here"])])
def test_a_cut_leaves_connections_half_open(sources: list[str], targets: list[str]) -> None:
    """Both directions lose everything, what is under way too; nobody is told; the backlog stays."""
    world = MemoryWorld()
    _, there, here = pair(world, Recorder(), Recorder())

    send(here, [1])
    world.fabric.cut(sources, targets)
    send(here, [2])
    send(there, [3])
    world.settle()

    assert (there.calls, here.calls) == (["open"], ["open"])
    assert here.connection.backlog_bytes == 8
    assert world.fabric.happened["cut"] == 3


def test_a_cut_in_one_direction_lets_the_other_through() -> None:
    """Who is cut off hears, and is not heard."""
    world = MemoryWorld()
    _, there, here = pair(world, Recorder(), Recorder())

    world.fabric.cut(["here"], ["there"], both_ways=False)
    send(here, [1])
    send(there, [2])
    world.settle()

    assert numbers(there) == []
    assert numbers(here) == [2]


def test_a_healed_link_carries_again() -> None:
    """What was lost stays lost."""
    world = MemoryWorld()
    _, there, here = pair(world, Recorder(), Recorder())

    world.fabric.cut(["here"], ["there"])
    send(here, [1])
    world.settle()
    world.fabric.heal()
    send(here, [2])
    world.settle()

    assert numbers(there) == [2]


@pytest.mark.parametrize("direction", [("here", "there"), ("there", "here")])
def test_a_connection_over_a_cut_fails_after_a_while(direction: tuple[str, str]) -> None:
    """Whether the question or the answer is lost; a later frame of who believes in it ends it there, too."""
    world = MemoryWorld()
    there, here = Recorder(), Recorder()
    listener = world.network("there").listen(world.address(), lambda: there)
    source, target = direction
    world.fabric.cut([source], [target], both_ways=False)

    world.network("here").connect(listener.address, here)
    world.settle()
    ended_us = world.now_us
    world.fabric.heal()
    if there.is_open:
        send(there, [1])
        world.settle()

    assert here.calls == ["close"]
    assert here.why == f"cannot connect to {listener.address}: no answer"
    assert ended_us >= CONNECT_TIMEOUT_US
    assert there.calls in ([], ["open", "close"])


def test_an_end_that_was_closed_behind_a_cut_is_told_by_a_reset() -> None:
    """The end of the connection is lost; the first frame after the cut is answered by a reset."""
    world = MemoryWorld()
    _, there, here = pair(world, Recorder(), Recorder())

    world.fabric.cut(["here"], ["there"])
    here.connection.close()
    world.settle()
    world.fabric.heal()
    assert there.why == ""
    send(there, [1])
    world.settle()

    assert there.why == "reset by the other end"
    assert here.calls == ["open", "close"]


def test_a_crash_resets_the_other_ends() -> None:
    """After what was under way has arrived; the dead process hears nothing any more."""
    world = MemoryWorld()
    listener, there, here = pair(world, Recorder(), Recorder())
    late = Recorder()

    send(there, [1])
    send(here, [2])
    world.fabric.crash("there")
    send(there, [3])
    world.network("here").connect(listener.address, late)
    world.settle()

    assert numbers(here) == [1]
    assert here.why == "reset by the other end"
    assert there.calls == ["open"]
    assert late.why == f"cannot connect to {listener.address}: refused"
    assert world.fabric.happened["crash"] == 1


def test_a_host_without_power_says_nothing() -> None:
    """Connections to it stay half open, new ones fail; once it is back, a frame is answered by a reset."""
    world = MemoryWorld()
    listener, there, here = pair(world, Recorder(), Recorder())
    late, again = Recorder(), Recorder()

    world.fabric.crash("there", silent=True)
    send(here, [1])
    world.network("here").connect(listener.address, late)
    world.settle()
    assert (here.why, late.why) == ("", f"cannot connect to {listener.address}: no answer")
    world.network("there").listen(listener.address, lambda: again)
    send(here, [2])
    world.settle()

    assert here.why == "reset by the other end"
    assert (there.calls, again.calls) == (["open"], [])


def test_the_next_life_of_a_process_takes_connections() -> None:
    """At the address of the one before, whose network is of no use any more."""
    world = MemoryWorld()
    dead = world.network("there")
    listener = dead.listen(world.address(), Recorder)
    there, here, nobody = Recorder(), Recorder(), Recorder()

    world.fabric.crash("there")
    world.network("there").listen(listener.address, lambda: there)
    world.network("here").connect(listener.address, here)
    dead.connect(listener.address, nobody)
    world.settle()

    assert (there.calls, here.calls, nobody.calls) == (["open"], ["open"], [])


def test_a_paused_process_takes_everything_when_it_wakes() -> None:
    """In order, at once; what it had sent goes on meanwhile, and what it was sent counts as backlog."""
    world = MemoryWorld()
    listener, there, here = pair(world, Recorder(), Recorder())
    late = Recorder()

    send(there, [7])
    world.fabric.pause("there")
    send(here, range(5))
    world.network("late").connect(listener.address, late)
    world.until(lambda: numbers(here) == [7])
    world.run_for(10_000)
    assert (there.frames, late.calls, here.connection.backlog_bytes) == ([], [], 20)
    world.fabric.resume("there")
    woke_with = numbers(there)
    world.settle()

    assert woke_with == list(range(5))
    assert here.connection.backlog_bytes == 0
    assert world.fabric.happened["pause"] == 1


def test_a_process_that_sleeps_too_long_finds_its_callers_gone() -> None:
    """Who connected gave up; the zombie takes the question when it wakes, and is told at once."""
    world = MemoryWorld()
    there, here = Recorder(), Recorder()
    listener = world.network("there").listen(world.address(), lambda: there)

    world.fabric.pause("there")
    world.network("here").connect(listener.address, here)
    world.settle()
    world.fabric.resume("there")
    world.settle()

    assert here.calls == ["close"]
    assert there.calls == ["open", "close"]


def test_pairs_of_processes_do_not_shift_each_others_chance() -> None:
    """More traffic elsewhere changes nothing between these two."""

    def came(traffic: int) -> list[int]:
        world = MemoryWorld(seed=9)
        _, there, here = pair(world, Recorder(), Recorder())
        elsewhere = world.network("elsewhere").listen("tcp:elsewhere:1", Recorder)
        other = Recorder()
        world.network("other").connect(elsewhere.address, other)
        world.until(lambda: other.is_open)
        world.fabric.weather = Weather(loss=0.3)
        send(other, range(traffic))
        send(here, range(50))
        world.settle()
        return numbers(there)

    assert came(0) == came(100)


storm = st.builds(
    Weather,
    delay_us=st.tuples(st.integers(0, 100), st.integers(100, 5000)),
    loss=st.sampled_from([0.0, 0.1]),
    duplication=st.sampled_from([0.0, 0.1]),
    reorder=st.sampled_from([0.0, 0.2]),
    reset=st.sampled_from([0.0, 0.01]),
)
acts = st.lists(
    st.sampled_from(["send", "answer", "cut", "half", "heal", "crash", "dark", "pause", "resume", "connect", "close"]),
    max_size=40,
)


@given(st.integers(0, 2**32), storm, acts)
@settings(max_examples=60, deadline=None)
def test_the_same_seed_gives_the_same_deliveries(seed: int, weather: Weather, script: list[str]) -> None:
    """Whatever happens to the processes: the same calls at the same times, and no receiver is told anything twice."""
    first, second = list(_trace(seed, weather, script)), list(_trace(seed, weather, script))

    assert first == second


def test_another_seed_gives_other_deliveries() -> None:
    """Chance comes from the seed."""
    script = ["send"] * 10

    traces = [list(_trace(seed, Weather(loss=0.5), script)) for seed in range(5)]

    assert any(trace != traces[0] for trace in traces)


@pytest.mark.parametrize("wrong", [{"loss": 1.5}, {"reset": -0.1}, {"delay_us": (5, 1)}, {"delay_us": (-1, 1)}])
def test_weather_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    """Probabilities are between 0 and 1, and the shortest way is not the longest."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Weather(**wrong)  # type: ignore[arg-type]


def test_a_fabric_is_a_network_to_each_process() -> None:
    """The same one, as long as the process lives."""
    fabric = MemoryFabric(lambda *_: None, Entropy(1))

    network: Network = fabric.network("a")
    listener = network.listen("unix:/run/a", Recorder)

    with pytest.raises(OSError, match="another process does"):
        fabric.network("a").listen("unix:/run/a", Recorder)
    assert listener.address == "unix:/run/a"


def _trace(seed: int, weather: Weather, script: list[str]) -> Iterator[object]:
    """What receivers were told, and when."""
    world = MemoryWorld(seed, weather)
    told: list[tuple[int, int, str]] = []
    recorders: list[Recorder] = []

    def recorder() -> Recorder:
        number = len(recorders)
        recorders.append(Recorder(script=lambda _, what: told.append((world.now_us, number, what))))
        return recorders[-1]

    world.network("there").listen("tcp:there:1", recorder)
    for turn, act in enumerate(["connect", *script]):
        _act(world, act, recorders, recorder, turn)
        for _ in range(7):
            world.step()
    world.fabric.resume("there")
    world.settle()
    for each in recorders:
        assert each.calls.count("open") <= 1
        assert "close" not in each.calls[:-1]
        assert "open" not in each.calls[1:]
    yield from told
    yield [each.frames for each in recorders]
    yield sorted(world.fabric.happened.items())


def _act(world: MemoryWorld, act: str, recorders: list[Recorder], recorder, turn: int) -> None:  # type: ignore[no-untyped-def]
    fabric = world.fabric
    connections: list[Connection] = [each.connection for each in recorders if each.is_open]
    match act:
        case "connect":
            world.network("here").connect("tcp:there:1", recorder())
        case "send" | "answer":
            for connection in connections[:: 1 if act == "send" else -2]:
                for index in range(5):
                    connection.send([bytes([turn, index])])
        case "close":
            for connection in connections[:1]:
                connection.close()
        case "cut" | "half":
            fabric.cut(["here"], ["there"], both_ways=act == "cut")
        case "heal":
            fabric.heal()
        case "crash" | "dark":
            fabric.crash("there", silent=act == "dark")
            world.network("there").listen("tcp:there:1", recorder) if act == "crash" else None
        case "pause":
            fabric.pause("there")
        case "resume":
            fabric.resume("there")
