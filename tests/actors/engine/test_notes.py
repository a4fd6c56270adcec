"""Notes survive the way, and nothing else does."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.actors.engine.notes import (
    FRAME_BYTES_MAX,
    BadNote,
    Die,
    Frames,
    HostsChanged,
    Hung,
    LastWords,
    NodeGone,
    Note,
    StartNode,
    is_proved,
    pack,
    prove,
    unpack,
)

NUMBERS = st.integers(0, 2**32)
NOTES: st.SearchStrategy[Note] = st.one_of(
    st.builds(NodeGone, NUMBERS, st.text()),
    st.builds(StartNode, NUMBERS, st.binary(), st.dictionaries(st.text(), st.text() | NUMBERS)),
    st.builds(LastWords, st.text(), st.none() | st.builds(Hung, st.text(), st.text(), st.just(0.5), st.text())),
    st.builds(HostsChanged, st.dictionaries(st.text(), st.dictionaries(st.text(), NUMBERS))),
    st.just(Die()),
)


@given(st.lists(NOTES), st.lists(st.integers(0, 200)))
def test_notes_arrive_however_they_are_cut(notes: list[Note], cuts: list[int]) -> None:
    """A stream of frames gives the same notes, wherever its pieces begin."""
    stream, frames, arrived = b"".join(map(pack, notes)), Frames(), []
    for size in [*cuts, len(stream)]:
        arrived += frames.feed(stream[:size])
        stream = stream[size:]

    assert arrived == notes


@given(st.binary())
def test_any_other_bytes_are_refused(data: bytes) -> None:
    """What is in a frame and is no note raises `BadNote`, and nothing else."""
    with suppress(BadNote):
        assert isinstance(unpack(data), Note)


def test_a_frame_that_says_it_is_too_long_is_refused() -> None:
    """Nobody makes a reader wait for, and keep, more than the bound."""
    with pytest.raises(BadNote):
        list(Frames().feed((FRAME_BYTES_MAX + 1).to_bytes(4, "big")))


@given(st.binary(min_size=1), st.binary(), st.binary())
def test_a_proof_holds_for_one_challenge(token: bytes, challenge: bytes, other: bytes) -> None:
    """What was heard of one call is of no use in another."""
    assert is_proved(token, challenge, prove(token, challenge))
    assert is_proved(token, challenge, prove(token, other)) == (challenge == other)
