"""What a type checker refuses; each line is expected to be an error."""

from __future__ import annotations

from datetime import datetime

from actorstream import App, Record, pattern


class Payment(Record):
    """A value."""

    card: str
    amount: float
    at: datetime


app = App("mistaken")
stream = app.stream(app.topic("payments", Payment), event_time="at")


def length(text: str) -> int:
    """A function of something else."""
    return len(text)


async def awaited(text: str) -> int:
    """The same."""
    return len(text)


stream.map(length)  # error
stream.map(awaited)  # error
stream.map(length, concurrency="2")  # error
stream.map(lambda payment: payment.price)  # error
stream.filter(length)  # error
stream.key_by(length)  # error
stream.window("10s")  # error
stream.key_by(lambda payment: payment.card).match(pattern(length).within("5m"))  # error
app.topic("other", Payment, partition=3)  # error
Payment("a", "1", datetime(2024, 1, 1))  # error
Payment("a", 1.0, datetime(2024, 1, 1)).amount = 2.0  # error
