"""Actors and supervision by themselves: an actor crashes, its supervisor starts another in its place.

Run it with `python examples/supervision.py`.
"""

from __future__ import annotations

from actorstream.actors import Actor, ActorSystem, Context, Message, Supervisor, child, one_for_one, receives


class Greet(Message):
    """Ask for a greeting; answered by `Greeting`."""

    name: str


class Greeting(Message):
    """What a greeter says."""

    text: str


class Greeter(Actor, accepts=Greet):
    """Greets by a word, and counts whom it has greeted in this life."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.greeted = 0

    @receives(Greet)
    def on_greet(self, greet: Greet, context: Context) -> None:
        """Answer, unless there is nobody to greet."""
        if not greet.name:
            raise ValueError("nobody to greet")
        self.greeted += 1
        context.reply(Greeting(f"{self.word} {greet.name}, you are number {self.greeted}"))


class Desk(Supervisor):
    """Keeps one greeter alive: a crashed one is replaced after a moment, up to five times a minute."""

    strategy = one_for_one(restarts=5, within="60s")
    children = (child("greeter", Greeter, "hello", restart="permanent", backoff="10ms..1s"),)


def main() -> None:
    """Greet two people, crash the greeter, and greet a third: the new greeter counts from one."""
    with ActorSystem() as system:
        system.spawn(Desk, name="desk")
        greeter = system.find("desk/greeter")
        for name in ("Ada", "Grace"):
            print(system.ask(greeter, Greet(name)))

        system.tell(greeter, Greet(""))

        print(system.ask(greeter, Greet("Barbara")))


if __name__ == "__main__":
    main()
