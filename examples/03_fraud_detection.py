"""Fraud detection: a small payment that is followed within a minute by a large one, on the same card.

The function asks for state and a timer by annotating its parameters. Both are kept by card, are part of every
checkpoint, and come back after a crash. Run it with `python examples/03_fraud_detection.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from actorstream import App, Key, Record, Timer, ValueState

SMALL, LARGE = 1.0, 500.0
SOON = timedelta(minutes=1)


class Payment(Record):
    """Somebody pays."""

    card: str
    amount: float
    at: datetime


class Alert(Record):
    """Two payments that look like somebody tries a stolen card."""

    card: str
    amount: float
    at: datetime


noon = datetime(2024, 1, 1, 12, tzinfo=UTC)


def seconds(n: int) -> datetime:
    """So many seconds past noon."""
    return noon + timedelta(seconds=n)


app = App("fraud-detection")

payments = app.stream(
    [
        Payment("ann", 0.50, seconds(0)),
        Payment("bob", 0.10, seconds(5)),
        Payment("ann", 900.00, seconds(20)),
        Payment("eve", 700.00, seconds(30)),
        Payment("bob", 650.00, seconds(90)),
    ],
    name="payments",
    event_time="at",
    max_delay="5s",
)


@payments.key_by("card").process
def detect(payment: Payment, card: Key[str], tried: ValueState[bool], timer: Timer) -> Iterator[Alert]:
    """Remember a small payment for a minute; a large one in that minute is an alert."""
    if payment.amount >= LARGE and tried.get():
        yield Alert(card, payment.amount, payment.at)
    tried.clear()
    if payment.amount <= SMALL:
        tried.set(True)
        timer.at(payment.at + SOON)


@detect.on_timer
def forget(at: datetime, tried: ValueState[bool]) -> None:
    """A minute has passed, in event time."""
    tried.clear()


def main() -> None:
    """Ann's card is tried, and used; bob's large payment comes too late to be one."""
    for alert in app.collect(detect):
        print(f"{alert.at:%H:%M:%S} {alert.card}: {alert.amount:.2f}")


if __name__ == "__main__":
    main()
