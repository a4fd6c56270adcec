"""How long a record takes through a stateless chain, at 1,000 records a second.

Each record carries when it was made. It comes from a generator, or from a topic that another thread writes through a
producer; a chain of two functions hands it to a plain sink, which waits for no commit, and looks at the clock.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

from actorstream import App

RECORDS, PAUSE_SECONDS = 5_000, 0.001
WARM_UP = 500
GOAL_MS = 2.0


class Clocked:
    """The end of the path: how long each record took, in seconds."""

    def __init__(self) -> None:
        self.took: list[float] = []

    def write(self, values: list[float]) -> None:
        """Look at the clock."""
        now = time.perf_counter()
        self.took += [now - value for value in values]


def paced() -> Iterator[float]:
    """A thousand a second."""
    due = time.perf_counter()
    for _ in range(RECORDS):
        due += PAUSE_SECONDS
        time.sleep(max(due - time.perf_counter(), 0))
        yield time.perf_counter()


def through(app: App, stream: Any) -> Clocked:
    """A chain behind a stream."""
    clocked = Clocked()
    stream.map(lambda made: made + 0.0, name="added").filter(lambda made: made > 0, name="kept").to(clocked)
    return clocked


def from_generator(directory: str) -> list[float]:
    """Records of a generator."""
    app = App("generated")

    @app.source
    def made() -> Iterator[float]:
        yield from paced()

    clocked = through(app, made)
    app.run(data=tempfile.mkdtemp(dir=directory))
    return clocked.took


def from_topic(directory: str) -> list[float]:
    """Records of a topic; the way there is part of what is measured."""
    app = App("topics")
    topic = app.topic("made", float)
    clocked = through(app, app.stream(topic))
    data = tempfile.mkdtemp(dir=directory)
    with app.start(data=data) as job:

        def produce() -> None:
            with app.producer(data=data) as producer:
                for value in paced():
                    producer.send(topic, value)
                    producer.flush()

        writer = threading.Thread(target=produce)
        writer.start()
        writer.join()
        job.stop()
    return clocked.took


def show(name: str, took: list[float]) -> None:
    """Median and the rest, in milliseconds."""
    assert len(took) == RECORDS
    cuts = statistics.quantiles([1_000 * one for one in took[WARM_UP:]], n=100)
    print(f"{name}: median {cuts[49]:.2f} ms, 90 % {cuts[89]:.2f} ms, 99 % {cuts[98]:.2f} ms; goal {GOAL_MS:g} ms")


def main() -> None:
    """Print what it takes."""
    with tempfile.TemporaryDirectory() as directory:
        show("a generator's records", from_generator(directory))
        show("a topic's records, sent one by one", from_topic(directory))


if __name__ == "__main__":
    main()
