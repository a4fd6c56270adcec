"""Messages through mailboxes, against a bare loop: create a message, append it to a deque, pop it, call a function.

One actor of a local system sends another batches of messages, the next one when the last was handled.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future

from actorstream.actors import Actor, ActorSystem, Context, Message, Ref, receives
from benchmarks.harness import Pair, measure

MESSAGES = 500_000
BATCH = 1_000


class Add(Message):
    number: int


class Next(Message):
    """The batch was handled."""


class Adder(Actor, accepts=Add | Next):
    def __init__(self, done: Future[int]) -> None:
        self.total = 0
        self.count = 0
        self.done = done

    @receives(Add)
    def on_add(self, add: Add, context: Context) -> None:
        self.total += add.number
        self.count += 1
        if self.count == MESSAGES:
            self.done.set_result(self.total)

    @receives(Next)
    def on_next(self, handled: Next, context: Context) -> None:
        context.reply(handled)


class Sender(Actor, accepts=Next):
    def __init__(self, adder: Ref) -> None:
        self.adder = adder
        self.sent = 0

    def started(self, context: Context) -> None:
        context.send(context.self, Next())

    @receives(Next)
    def on_next(self, _: Next, context: Context) -> None:
        send, adder = context.send, self.adder
        for number in range(self.sent, self.sent + BATCH):  # Well below what a mailbox holds.
            send(adder, Add(number))
        self.sent += BATCH
        if self.sent < MESSAGES:
            send(adder, Next())


def work() -> int:
    done: Future[int] = Future()
    with ActorSystem() as system:
        adder = system.spawn(Adder, done)
        system.spawn(Sender, adder)
        return done.result(60)


class Bare:
    def __init__(self) -> None:
        self.total = 0
        self.count = 0

    def on_add(self, add: Add) -> None:
        self.total += add.number
        self.count += 1


def floor() -> int:
    bare = Bare()
    handle = bare.on_add
    queue: deque[Add] = deque()
    for number in range(MESSAGES):
        queue.append(Add(number))
        handle(queue.popleft())
    return bare.total


def main() -> None:
    measure(Pair("mailbox", work, floor, MESSAGES, 0.25))


if __name__ == "__main__":
    main()
