"""Channels between actors, under every runtime: all arrives, in order, in bounded memory."""

from __future__ import annotations

from typing import Any

from actorstream.actors import Actor, ActorSystem, Context, Message, Observe, Ref, Terminated, receives
from actorstream.actors.flow import CloseChannel, Credit, Data, Ended, OpenChannel, Receiver, Sender, Taken
from actorstream.errors import ChannelBroken

ROWS = 500


class Produce(Message):
    """Go on."""


class Next(Message):
    """Take one."""


class Producer(Actor, accepts=OpenChannel | Credit | CloseChannel | Terminated | Produce):
    """Offers lists of numbers to its channels while their lanes have room."""

    def __init__(self, channels: tuple[str, ...], batches: int, crash_at: int = -1) -> None:
        self.sender = Sender(*channels)
        self.channels, self.batches, self.crash_at = channels, batches, crash_at
        self.made = dict.fromkeys(channels, 0)
        self.backlog_max = 0
        self.begun: list[str] = []

    @receives(OpenChannel, Credit, CloseChannel, Terminated)
    def on_flow(self, message: Message, context: Context) -> None:
        """There may be room now."""
        began = self.sender.handle(message, context)
        if began:
            self.begun.append(began)
            self.made[began] = 0
        context.send(context.self, Produce())

    @receives(Produce)
    def on_produce(self, _: Produce, context: Context) -> None:
        """One batch for each channel that has room."""
        more = False
        for channel in self.channels:
            number = self.made[channel]
            if not self.sender.is_open(channel) or self.sender.is_full(channel) or number > self.batches:
                continue
            self.made[channel] += 1
            if number == self.crash_at:
                raise RuntimeError("on purpose")
            if number == self.batches:
                self.sender.end(context, channel)
                continue
            numbers = list(range(number * ROWS, (number + 1) * ROWS))
            self.sender.offer(context, channel, numbers, ROWS, 8 * ROWS)
            more = True
        self.backlog_max = max(self.backlog_max, *(self.sender.backlog(one).records for one in self.channels))
        if more:
            context.send(context.self, Produce())

    def observe(self) -> dict[str, Any]:
        return {"made": dict(self.made), "backlog_max": self.backlog_max, "begun": list(self.begun)}


class Consumer(Actor, accepts=Data | CloseChannel | Terminated | Next):
    """Takes one batch at a time, with a pause after each."""

    def __init__(self, channels: dict[str, str], pause: int = 0, again: int = 0) -> None:
        self.receiver = Receiver()
        self.channels, self.pause, self.again = channels, pause, again
        self.numbers: dict[str, list[int]] = {one: [] for one in channels}
        self.ends: list[Any] = []
        self.waiting_max = 0
        self.busy = False

    def started(self, context: Context) -> None:
        for channel, sender in self.channels.items():
            self.receiver.open(context, Ref(sender), channel)

    @receives(Data, CloseChannel, Terminated)
    def on_flow(self, message: Message, context: Context) -> None:
        """Something came."""
        self.receiver.handle(message, context)
        self.waiting_max = max(self.waiting_max, self.receiver.waiting)
        if not self.busy:
            self.busy = True
            context.send(context.self, Next())

    @receives(Next)
    def on_next(self, _: Next, context: Context) -> None:
        """Take one."""
        match self.receiver.take(context):
            case Taken(channel, payload, _, _):
                self.numbers[channel].extend(payload)
                context.schedule(self.pause, Next())
            case Ended(channel, reason):
                self.ends.append((channel, type(reason).__name__, len(self.numbers[channel])))
                if self.again:
                    self.again -= 1
                    self.receiver.open(context, Ref(self.channels[channel]), channel)
                context.send(context.self, Next())
            case None:
                self.busy = False

    def observe(self) -> dict[str, Any]:
        counts = {name: len(numbers) for name, numbers in self.numbers.items()}
        return {"counts": counts, "ends": list(self.ends), "waiting_max": self.waiting_max}


def facts(system: ActorSystem, ref: Ref) -> dict[str, Any]:
    """What an actor tells about itself."""
    answer: Any = system.ask(ref, Observe())
    while answer.state != "running":  # It is about to restart.
        if system.runtime == "simulation":
            system.step()
        answer = system.ask(ref, Observe())
    return dict(answer.facts)


def wait_until_ended(system: ActorSystem, consumer: Ref, ends: int) -> dict[str, Any]:
    """Until so many channels have ended; each question lets things go on."""
    for _ in range(100_000):
        found = facts(system, consumer)
        if len(found["ends"]) >= ends:
            return found
        if system.runtime == "simulation":
            system.run(steps_max=50)
    raise AssertionError(f"the channels did not end: {found}")


def test_all_arrives_and_then_the_end(system: ActorSystem) -> None:
    """Behind everything else."""
    system.spawn(Producer, ("c",), 100, name="producer")
    consumer = system.spawn(Consumer, {"c": "producer"}, name="consumer")

    found = wait_until_ended(system, consumer, 1)

    assert found["ends"] == [("c", "Normal", 100 * ROWS)]


def test_a_slow_receiver_slows_its_sender_down() -> None:
    """A thousandth of a second of work for each batch: what waits on both sides is bounded, and nothing is lost."""
    with ActorSystem(runtime="simulation", seed=3) as system:
        producer = system.spawn(Producer, ("c",), 400, name="producer")
        consumer = system.spawn(Consumer, {"c": "producer"}, 50_000, name="consumer")

        found = wait_until_ended(system, consumer, 1)

        assert found["counts"] == {"c": 400 * ROWS}
        assert found["waiting_max"] <= 10
        assert facts(system, producer)["backlog_max"] <= 4_096 + ROWS


def test_a_slow_target_does_not_stop_the_others() -> None:
    """Each has its own window and its own lane."""
    with ActorSystem(runtime="simulation", seed=3) as system:
        system.spawn(Producer, ("slow", "fast"), 200, name="producer")
        slow = system.spawn(Consumer, {"slow": "producer"}, 1_000_000, name="slow")
        fast = system.spawn(Consumer, {"fast": "producer"}, name="fast")

        wait_until_ended(system, fast, 1)

        assert facts(system, slow)["counts"]["slow"] < 50 * ROWS


def test_the_end_of_a_sender_is_told_behind_what_it_sent(system: ActorSystem) -> None:
    """A death does not overtake data."""
    system.spawn(Producer, ("c",), 100, 5, name="producer", restart="temporary")
    consumer = system.spawn(Consumer, {"c": "producer"}, 10_000, name="consumer")

    found = wait_until_ended(system, consumer, 1)

    assert found["ends"] == [("c", "Crash", 5 * ROWS)]


def test_a_channel_that_is_opened_again_begins_anew() -> None:
    """The sender's next incarnation hears of it, and of nothing before."""
    with ActorSystem(runtime="simulation", seed=5) as system:
        producer = system.spawn(Producer, ("c",), 10, name="producer")
        consumer = system.spawn(Consumer, {"c": "producer"}, 20_000, 1, name="consumer")
        system.run(until=lambda: facts_now(system, "producer") >= 7)
        system.crash(producer)

        found = wait_until_ended(system, consumer, 2)

        first, second = found["ends"]
        assert (first[1], second[1]) == ("Crash", "Normal")
        assert second[2] == first[2] + 10 * ROWS
        assert facts(system, producer)["begun"] == ["c"]


def facts_now(system: ActorSystem, path: str) -> int:
    """How many batches a producer has made, without a question."""
    instance: Any = system._kernel.cells[path].instance
    return 0 if instance is None else sum(instance.made.values())


def test_a_receiver_that_begins_anew_gets_everything_anew() -> None:
    """Its sender is told that the channel began; what was on its way to the one before reaches nobody."""
    with ActorSystem(runtime="simulation", seed=5) as system:
        producer = system.spawn(Producer, ("c",), 10, name="producer")
        consumer = system.spawn(Consumer, {"c": "producer"}, 20_000, name="consumer")
        system.run(until=lambda: facts_now(system, "producer") >= 7)
        system.crash(consumer)

        found = wait_until_ended(system, consumer, 1)

        assert found["ends"] == [("c", "Normal", 10 * ROWS)]
        assert facts(system, producer)["begun"] == ["c", "c"]


def test_a_receiver_that_wants_no_more_is_sent_no_more() -> None:
    """What waits on both sides is dropped."""
    with ActorSystem(runtime="simulation", seed=5) as system:
        system.spawn(Producer, ("c",), 1_000, name="producer")

        class Few(Consumer):
            @receives(Next)
            def on_next(self, message: Next, context: Context) -> None:
                super().on_next(message, context)
                if len(self.numbers["c"]) >= 3 * ROWS:
                    self.receiver.close(context, "c")

        consumer = system.spawn(Few, {"c": "producer"}, name="consumer")
        system.run()

        assert facts(system, consumer)["counts"] == {"c": 3 * ROWS}


def test_what_does_not_belong_ends_the_receiver() -> None:
    """A channel that is not what it was is an error, not data."""
    with ActorSystem(runtime="simulation", seed=5) as system:
        system.spawn(Producer, ("c",), 3, name="producer")
        consumer = system.spawn(Consumer, {"c": "producer"}, name="consumer")
        wait_for = lambda: bool(system._kernel.cells["consumer"].instance.numbers["c"])  # type: ignore[union-attr]  # noqa: E731
        system.run(until=wait_for)
        system.tell(consumer, Data("c", 1 << 40, 0, [1], 1, 8, Ref("producer")))

        wait_until_ended(system, consumer, 1)

        assert [type(failure.error) for failure in system.failures] == [ChannelBroken]
