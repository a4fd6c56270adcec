"""What happens later, in a simulation."""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from actorstream.actors.agenda import Agenda


def nothing() -> None:
    """An event without consequences."""


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans())))
def test_events_happen_in_the_order_of_their_times(wanted: list[tuple[int, bool]]) -> None:
    """The earlier first, at the same time the one that was added first, and the cancelled ones never."""
    agenda = Agenda()
    happened: list[int] = []
    events = [agenda.add(time_us, partial(happened.append, number)) for number, (time_us, _) in enumerate(wanted)]
    for event, (_, cancelled) in zip(events, wanted, strict=True):
        if cancelled:
            event.cancel()

    agenda.fire(20)

    kept = [(time_us, number) for number, (time_us, cancelled) in enumerate(wanted) if not cancelled]
    assert happened == [number for _, number in sorted(kept)]
    assert agenda.next_us() == -1


def test_only_what_is_due_happens() -> None:
    """The rest waits."""
    agenda = Agenda()
    happened: list[str] = []
    agenda.add(10, partial(happened.append, "ten"))
    agenda.add(11, partial(happened.append, "eleven"))

    agenda.fire(10)

    assert happened == ["ten"]
    assert agenda.next_us() == 11


def test_cancelled_events_take_little_room() -> None:
    """However many are cancelled, no more than about as many as wait are kept."""
    agenda = Agenda()
    agenda.add(1, nothing)

    for time_us in range(10_000):
        agenda.add(time_us, nothing).cancel()

    assert len(agenda) < 200


def test_cancelling_twice_or_too_late_changes_nothing() -> None:
    """A handle may be kept after its event."""
    agenda = Agenda()
    event = agenda.add(1, nothing)
    agenda.fire(1)

    event.cancel()
    event.cancel()

    assert len(agenda) == 0
