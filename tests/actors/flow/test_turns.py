"""`Turns`: deficit round-robin among channels."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actorstream.actors.flow import Turns
from actorstream.actors.flow.turns import ELEMENT_BYTES, QUANTUM


def served(turns: Turns, queues: list[list[int]], count: int) -> list[int]:
    """Who was served, so many times."""
    found = []
    for _ in range(count):
        one = turns.next(lambda at: queues[at][0] if queues[at] else None)
        if one is None:
            break
        queues[one].pop(0)
        found.append(one)
    return found


def test_equal_channels_take_turns() -> None:
    """One each."""
    assert served(Turns(3), [[0] * 3, [0] * 3, [0] * 3], 9) == [0, 1, 2] * 3


def test_small_elements_get_as_many_bytes_as_large_ones() -> None:
    """Not as many elements."""
    small, large = [ELEMENT_BYTES] * 1_000, [19 * ELEMENT_BYTES] * 1_000

    found = served(Turns(2), [small, large], 220)

    assert found.count(1) == 20


def test_a_channel_without_a_turn_saves_nothing() -> None:
    """Time in which it was blocked is not given to it later."""
    turns = Turns(2)
    for _ in range(100):
        assert turns.next(lambda at: None if at == 0 else 10 * QUANTUM) == 1

    found = served(turns, [[10 * QUANTUM] * 50, [10 * QUANTUM] * 50], 20)

    assert abs(found.count(0) - found.count(1)) <= 2


def test_nobody_is_served_when_nobody_waits() -> None:
    """And the turn stays."""
    assert Turns(4).next(lambda at: None) is None


@given(
    sizes=st.lists(st.lists(st.integers(0, 300_000), min_size=1, max_size=8), min_size=2, max_size=5),
    steps=st.integers(1, 300),
)
def test_no_channel_is_ahead_by_more_than_a_quantum_and_the_largest_element(sizes: list[list[int]], steps: int) -> None:
    """Each always has something; sizes repeat."""
    turns = Turns(len(sizes))
    places = [0] * len(sizes)
    got = [0] * len(sizes)
    largest = max(map(max, sizes)) + ELEMENT_BYTES

    for _ in range(steps):
        one = turns.next(lambda at: sizes[at][places[at] % len(sizes[at])])
        assert one is not None
        got[one] += sizes[one][places[one] % len(sizes[one])] + ELEMENT_BYTES
        places[one] += 1
        assert max(got) - min(got) <= QUANTUM + largest
