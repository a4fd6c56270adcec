"""A producer of large batches, a consumer that takes its time, and how much memory their processes take."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from actorstream.actors import Actor, ActorSystem, Context, Message, Observe, Ref, Terminated, receives
from actorstream.actors.flow import CloseChannel, Credit, Data, Ended, OpenChannel, Receiver, Sender, Taken

BATCH_BYTES = 128 * 1024
SECONDS_MAX = 600.0


def resident_kib() -> int:
    """How much memory this process has, in KiB."""
    [line] = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS:")]
    return int(line.split()[1])


class Step(Message):
    """Go on."""


class Memory:
    """How much the process grows."""

    def __init__(self) -> None:
        self.first_kib = self.max_kib = 0

    def look(self) -> None:
        now_kib = resident_kib()
        self.first_kib = self.first_kib or now_kib
        self.max_kib = max(self.max_kib, now_kib)

    @property
    def growth_kib(self) -> int:
        return self.max_kib - self.first_kib


class Producer(Actor, accepts=OpenChannel | Credit | CloseChannel | Terminated | Step):
    """Makes numbered batches, as fast as its channel takes them."""

    def __init__(self, batches: int) -> None:
        self.sender = Sender("c")
        self.batches = batches
        self.made = 0
        self.memory = Memory()
        self.is_stepping = False

    @receives(OpenChannel, Credit, CloseChannel, Terminated)
    def on_flow(self, message: Message, context: Context) -> None:
        """There may be room now."""
        self.sender.handle(message, context)
        self.go_on(context)

    @receives(Step)
    def on_step(self, _: Step, context: Context) -> None:
        """One batch."""
        self.is_stepping = False
        self.sender.offer(context, "c", (self.made, bytes([self.made % 256]) * BATCH_BYTES), 1, BATCH_BYTES)
        self.made += 1
        self.memory.look()
        if self.made == self.batches:
            self.sender.end(context, "c")
        self.go_on(context)

    def go_on(self, context: Context) -> None:
        if not self.is_stepping and self.made < self.batches and not self.sender.is_full("c"):
            self.is_stepping = True
            context.send(context.self, Step())

    def observe(self) -> dict[str, Any]:
        return {"made": self.made, "growth_kib": self.memory.growth_kib}


class Consumer(Actor, accepts=Data | CloseChannel | Terminated | Step):
    """Takes one batch, and rests."""

    def __init__(self, rest_us: int) -> None:
        self.receiver = Receiver()
        self.rest_us = rest_us
        self.taken = 0
        self.is_wrong = self.is_busy = self.has_ended = False
        self.memory = Memory()

    def started(self, context: Context) -> None:
        self.receiver.open(context, Ref("producer"), "c")

    @receives(Data, CloseChannel, Terminated)
    def on_flow(self, message: Message, context: Context) -> None:
        """Something came."""
        self.receiver.handle(message, context)
        if not self.is_busy:
            self.is_busy = True
            context.send(context.self, Step())

    @receives(Step)
    def on_step(self, _: Step, context: Context) -> None:
        """Take one."""
        match self.receiver.take(context):
            case Taken(_, (number, data), _, _):
                self.is_wrong |= number != self.taken or data != bytes([number % 256]) * BATCH_BYTES
                self.taken += 1
                self.memory.look()
                context.schedule(self.rest_us, Step())
            case Ended():
                self.has_ended = True
            case None:
                self.is_busy = False

    def observe(self) -> dict[str, Any]:
        facts = {"taken": self.taken, "is_wrong": self.is_wrong, "has_ended": self.has_ended}
        return {**facts, "growth_kib": self.memory.growth_kib}


def run(system: ActorSystem, batches: int, rest_us: int) -> dict[str, Any]:
    """Let so many batches through, with a rest after each.

    Returns:
        seconds; the growth of both processes, in KiB; by how many batches at most the producer was ahead; how many were
        taken, and whether one of them was wrong.
    """
    begun = time.monotonic()
    producer = system.spawn(Producer, batches, name="producer", node="node-1")
    consumer = system.spawn(Consumer, rest_us, name="consumer", node="node-2")
    ahead_max = 0
    while True:
        taken, made = facts(system, consumer), facts(system, producer)
        ahead_max = max(ahead_max, made["made"] - taken["taken"])
        if taken["has_ended"]:
            break
        assert time.monotonic() < begun + SECONDS_MAX, f"too slow: {taken}"
        time.sleep(0.02)
    return {
        "seconds": time.monotonic() - begun,
        "producer_growth_kib": made["growth_kib"],
        "consumer_growth_kib": taken["growth_kib"],
        "ahead_max": ahead_max,
        "taken": taken["taken"],
        "is_wrong": taken["is_wrong"],
    }


def facts(system: ActorSystem, ref: Ref) -> dict[str, Any]:
    """What it tells of itself."""
    seen: Any = system.ask(ref, Observe(), timeout="60s")
    return dict(seen.facts)
