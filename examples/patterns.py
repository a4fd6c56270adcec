"""Fraud detection with patterns: a card that somebody tries with small payments, and then uses.

Each pattern is found by card, in order of event time: the second payment of ann's card arrives before the first. Run it
with `python examples/patterns.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from actorstream import App, Match, Record, pattern


class Payment(Record):
    """Somebody pays, or tries to."""

    card: str
    amount: float
    country: str
    at: datetime


class Alert(Record):
    """Something to look into."""

    card: str
    what: str
    at: datetime


def small(payment: Payment) -> bool:
    """As whoever tries a stolen card would pay."""
    return payment.amount <= 1.0


def large(payment: Payment) -> bool:
    """As whoever uses it would."""
    return payment.amount >= 500.0


def at_home(payment: Payment) -> bool:
    """In the country of the cards."""
    return payment.country == "NO"


def abroad(payment: Payment) -> bool:
    """Anywhere else."""
    return payment.country != "NO"


noon = datetime(2024, 1, 1, 12, tzinfo=UTC)


def paid(card: str, amount: float, minute: float, country: str = "NO") -> Payment:
    """A payment so many minutes past noon."""
    return Payment(card, amount, country, noon + timedelta(minutes=minute))


app = App("stolen-cards")

payments = app.stream(
    [
        paid("ann", 0.70, 1),
        paid("ann", 0.50, 0),
        paid("bob", 0.10, 2),
        paid("ann", 900.00, 3),
        paid("eve", 30.00, 4),
        paid("bob", 45.00, 5),
        paid("eve", 80.00, 6, "BR"),
        paid("bob", 650.00, 12),
        paid("eve", 20.00, 90),
    ],
    name="payments",
    event_time="at",
    max_delay="2m",
)
by_card = payments.key_by("card")


@by_card.match(pattern(small).times(2).then(large).within("5m"))
def tried(match: Match[str, Payment]) -> Alert:
    """Two small payments, then a large one."""
    amounts = " and ".join(f"{payment.amount:.2f}" for payment in match.all("small"))
    return Alert(match.key, f"tried with {amounts}, then {match['large'].amount:.2f}", match.end)


@by_card.match(pattern(at_home).next(abroad).within("10m"))
def travelled(match: Match[str, Payment]) -> Alert:
    """Two payments, one directly after the other, at places too far apart."""
    return Alert(match.key, f"at home, and soon in {match['abroad'].country}", match.end)


@by_card.match(pattern(abroad).without(at_home).within("1h"))
def away(match: Match[str, Payment]) -> Alert:
    """Abroad, and nothing at home for an hour."""
    return Alert(match.key, f"in {match['abroad'].country} for an hour", match.end)


def main() -> None:
    """Ann's card was stolen, it seems; bob's large payment has no two small ones before it; eve's card is abroad."""
    for alerts in (tried, travelled, away):
        for alert in app.collect(alerts):
            print(f"{alert.at:%H:%M} {alert.card}: {alert.what}")


if __name__ == "__main__":
    main()
