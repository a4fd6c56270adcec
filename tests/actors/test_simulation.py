"""The simulator: virtual time, seeded order, injected failures."""

from __future__ import annotations

from typing import Any

import pytest

from actorstream.actors import Actor, ActorSystem, Context, ExitReason, Message, Ref, receives
from actorstream.actors.limits import ASKS_MAX
from actorstream.errors import ActorTerminated, AskTimeout, MailboxFull
from actorstream.host import Entropy, Host, MemoryDisk, SystemClock, VirtualClock
from tests.actors.recorder import Happened, Recorder, record, story


class Tick(Message):
    number: int


class Ticker(Actor, accepts=Tick):
    """Ticks a few times, and records each tick with its virtual time."""

    def __init__(self, count: int = 5) -> None:
        self.count = count

    def started(self, context: Context) -> None:
        context.send(context.self, Tick(0))

    @receives(Tick)
    def on_tick(self, tick: Tick, context: Context) -> None:
        record(context, (context.path, tick.number))
        if tick.number < self.count:
            context.send(context.self, Tick(tick.number + 1))

    def stopped(self, context: Context, reason: ExitReason) -> None:
        record(context, (context.path, type(reason).__name__))


class Sleeper(Actor):
    def started(self, context: Context) -> None:
        context.schedule("1h", Tick(0))

    @receives(Tick)
    def on_tick(self, tick: Tick, context: Context) -> None:
        record(context, context.now())


def interleaving(seed: int | None) -> list[Any]:
    with ActorSystem(runtime="simulation", seed=seed) as system:
        system.spawn(Recorder, name="recorder")
        for name in ("a", "b", "c"):
            system.spawn(Ticker, name=name)
        return story(system, 18)


def test_the_seed_decides_the_order() -> None:
    """The same seed gives the same order, other seeds give others, and each actor's own order is kept."""
    orders = [interleaving(seed) for seed in range(10)]

    assert orders == [interleaving(seed) for seed in range(10)]
    assert len({str(order) for order in orders}) == 10
    for order in orders:
        assert [number for path, number in order if path == "a"] == [0, 1, 2, 3, 4, 5]


def test_without_a_seed_actors_take_turns() -> None:
    """First come, first served."""
    assert interleaving(None)[:6] == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("c", 1)]


def test_time_jumps_when_nobody_has_anything_to_do(simulation: ActorSystem) -> None:
    """An hour passes in a step; there is no waiting."""
    simulation.spawn(Recorder, name="recorder")
    start_us = simulation.host.clock.now_us()
    simulation.spawn(Sleeper)

    steps = simulation.run()

    [woken_us] = story(simulation, 1)
    assert steps == 2  # The sleeper's tick, and the recorder's note.
    assert 3_600_000_000 < woken_us - start_us < 3_600_010_000


def test_what_is_cancelled_does_not_move_time(simulation: ActorSystem) -> None:
    """Time jumps to what will happen, and not to what would have."""

    class Restless(Sleeper):
        def started(self, context: Context) -> None:
            for _ in range(1_000):
                context.schedule("1h", Tick(0)).cancel()
            context.schedule("1s", Tick(0))

    simulation.spawn(Recorder, name="recorder")
    start_us = simulation.host.clock.now_us()
    simulation.spawn(Restless)

    simulation.run()

    assert simulation.host.clock.now_us() - start_us < 1_010_000


def test_stopping_twice_is_stopping_once() -> None:
    """A second `stop` does not reach the next incarnation, however soon that comes."""

    class Hasty(Ticker):
        def on_tick(self, tick: Tick, context: Context) -> None:
            context.stop()
            context.stop()

        def started(self, context: Context) -> None:
            record(context, "started")

    for seed in range(50):
        with ActorSystem(runtime="simulation", seed=seed) as system:
            system.spawn(Recorder, name="recorder")
            hasty = system.spawn(Hasty, backoff="0ms")
            system.tell(hasty, Tick(0))
            system.run()

            assert story(system, 3) == ["started", ("hasty-1", "Normal"), "started"]


def test_a_run_ends_when_the_condition_holds(simulation: ActorSystem) -> None:
    """`until` is looked at before each step."""
    simulation.spawn(Recorder, name="recorder")
    simulation.spawn(Ticker, 1_000)

    assert simulation.run(until=lambda: simulation.trace.steps >= 100) == 100
    assert simulation.run(steps_max=7) == 7


def test_an_unanswered_question_costs_only_virtual_time(simulation: ActorSystem) -> None:
    """The timeout is virtual, also if nothing else happens."""
    silent = simulation.spawn(Actor)

    with pytest.raises(AskTimeout):
        simulation.ask(silent, Tick(0), timeout="1d")


def test_open_questions_are_bounded(simulation: ActorSystem) -> None:
    """One question more than the bound is refused; it does not push another one out."""
    silent = [simulation.spawn(Actor) for _ in range(2)]

    answers = [simulation.ask_future(silent[number % 2], Tick(0)) for number in range(ASKS_MAX + 1)]

    assert isinstance(answers[-1].exception(0), MailboxFull)
    assert not any(answer.done() for answer in answers[:-1])


def test_an_injected_crash_is_supervised_and_no_news(simulation: ActorSystem) -> None:
    """A crashed actor restarts as after a failing handler; reports are for failures that nobody ordered."""
    simulation.spawn(Recorder, name="recorder")
    ticker = simulation.spawn(Ticker, 0, name="ticker")
    story(simulation, 1)

    assert simulation.crash(ticker)

    assert story(simulation, 3) == [("ticker", 0), ("ticker", "Crash"), ("ticker", 0)]
    assert list(simulation.failures) == []
    assert not simulation.crash(Ref("nobody"))


def test_an_abandoned_system_is_silent(simulation: ActorSystem) -> None:
    """The process is gone: no step, no hook, and open questions end."""
    simulation.spawn(Recorder, name="recorder")
    ticker = simulation.spawn(Ticker)
    answer = simulation.ask_future(ticker, Tick(0))

    simulation.abandon()

    with pytest.raises(ActorTerminated, match="its process is gone"):
        answer.result(0)
    assert not simulation.step()
    assert simulation.run() == 0
    assert simulation.actors() == []


def test_a_later_system_goes_on_with_time_and_files() -> None:
    """A host outlives a simulated process; names drawn in the second differ from those in the first."""
    host = Host(VirtualClock(), Entropy(3), MemoryDisk())
    drawn: list[str] = []

    class Drawing(Actor):
        def started(self, context: Context) -> None:
            drawn.append(context.entropy.identity())
            context.host.disk.open("file", create=True).append(b"x")
            context.schedule("1s", Tick(0))

    for _ in range(2):
        system = ActorSystem(runtime="simulation", seed=3, host=host)
        system.spawn(Drawing, name="drawing")
        system.run()
        system.abandon()

    assert drawn[0] != drawn[1]
    assert host.clock.monotonic_us() >= 2_000_000
    assert host.disk.open("file").size() == 2


def test_whatever_watches_the_steps_can_end_the_run(simulation: ActorSystem) -> None:
    """`on_step` is called after each step, and what it raises comes out."""
    simulation.spawn(Recorder, name="recorder")
    simulation.spawn(Ticker)

    def check() -> None:
        assert simulation.trace.steps < 5, "an invariant is broken"

    simulation.on_step.append(check)

    with pytest.raises(AssertionError, match="an invariant is broken"):
        simulation.run()
    simulation.on_step.clear()


def test_an_error_in_the_block_leaves_the_simulation_as_it_is() -> None:
    """Leaving the block by an error abandons the system, so that nothing hides the error."""
    hooks: list[str] = []

    class Hooked(Actor):
        def stopped(self, context: Context, reason: ExitReason) -> None:
            hooks.append("stopped")

    def leave_by_an_error() -> None:
        with ActorSystem(runtime="simulation") as system:
            system.spawn(Hooked)
            raise KeyError

    with pytest.raises(KeyError):
        leave_by_an_error()

    assert hooks == []


def test_the_trace_can_be_read(simulation: ActorSystem) -> None:
    """A line a step: virtual time, path, message type; and a checksum over all."""
    simulation.spawn(Recorder, name="recorder")
    simulation.spawn(Ticker, 0, name="ticker")
    simulation.run()

    assert [line.split()[1:] for line in simulation.trace.lines] == [["ticker", "Tick"], ["recorder", "Happened"]]
    assert simulation.trace.steps == 2
    assert str(simulation.trace).startswith("2 steps, crc ")


def test_background_work_takes_virtual_time(simulation: ActorSystem) -> None:
    """The work runs later, in one go; its result comes after other messages may have."""

    class Working(Actor):
        def started(self, context: Context) -> None:
            start_us = context.now()
            context.background(lambda: context.now() - start_us, Happened)

        @receives(Happened)
        def on_happened(self, happened: Happened, context: Context) -> None:
            record(context, happened.what)

    simulation.spawn(Recorder, name="recorder")
    simulation.spawn(Working)

    [took_us] = story(simulation, 1)
    assert 50 <= took_us <= 6_000


def test_a_simulation_needs_virtual_time() -> None:
    """A host whose clock runs by itself is refused."""
    with pytest.raises(TypeError, match="VirtualClock"):
        ActorSystem(runtime="simulation", host=Host(SystemClock(), Entropy(1), MemoryDisk()))


def test_only_a_simulation_can_be_driven() -> None:
    """Stepping a system that runs by itself is refused."""
    with ActorSystem() as system, pytest.raises(RuntimeError, match="only a simulation"):
        system.step()
