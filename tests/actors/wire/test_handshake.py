"""The first words: only who knows the secret, of the same cluster and version, gets past them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorstream.actors.wire import handshake
from actorstream.actors.wire.bad_frame import BadFrame
from actorstream.actors.wire.handshake import HANDSHAKE_BYTES_MAX, VERSION, Called, Caller, Refusal, nonce

SECRET = b"the cluster's secret"


def ends(
    caller_secret: bytes = SECRET, called_secret: bytes = SECRET, cluster: str = "c", chance: int = 1
) -> tuple[Caller, Called]:
    """Two ends of a connection."""
    caller = Caller("c", caller_secret, 2, 1, nonce(caller_secret, chance))
    return caller, Called(cluster, called_secret, nonce(called_secret, chance + 1))


def test_both_ends_learn_who_the_other_is_and_how_far_it_has_received() -> None:
    """Three small frames."""
    caller, called = ends()

    hello = called.on_hello(caller.hello())
    welcome = called.welcome(7)
    answer = caller.on_answer(welcome, 5)

    assert (hello.caller, hello.called, called.why_not(hello)) == (2, 1, "")
    assert isinstance(answer, tuple)
    proof, received = answer
    assert received == 7
    assert called.on_proof(proof) == 5
    assert max(map(len, (caller.hello(), welcome, proof))) < HANDSHAKE_BYTES_MAX


def test_a_called_end_with_another_secret_is_not_believed() -> None:
    """The caller says nothing that a stranger could use."""
    caller, called = ends(called_secret=b"other")
    called.on_hello(caller.hello())

    with pytest.raises(BadFrame, match="does not know the secret"):
        caller.on_answer(called.welcome(0), 0)


def test_a_caller_with_another_secret_is_not_believed() -> None:
    """Even if it takes the welcome for good."""
    caller, called = ends()
    hello = called.on_hello(caller.hello())
    stranger = Caller(hello.cluster, b"other", hello.caller, hello.called, hello.nonce)
    answer = Called("c", b"other", nonce(b"other", 2))
    answer.on_hello(stranger.hello())
    called.welcome(0)
    said = stranger.on_answer(answer.welcome(0), 0)
    assert isinstance(said, tuple)

    with pytest.raises(BadFrame, match="does not know the secret"):
        called.on_proof(said[0])


def test_a_recorded_proof_is_worth_nothing_on_another_connection() -> None:
    """Each connection has its own nonces."""
    caller, called = ends()
    called.on_hello(caller.hello())
    said = caller.on_answer(called.welcome(0), 0)
    assert isinstance(said, tuple)
    again = Called("c", SECRET, nonce(SECRET, 99))
    again.on_hello(caller.hello())
    again.welcome(0)

    with pytest.raises(BadFrame, match="does not know the secret"):
        again.on_proof(said[0])


def test_a_recorded_welcome_is_worth_nothing_to_another_call() -> None:
    """The welcome proves the caller's nonce, too."""
    caller, called = ends()
    called.on_hello(caller.hello())
    welcome = called.welcome(0)
    again, _ = ends(chance=50)

    with pytest.raises(BadFrame, match="does not know the secret"):
        again.on_answer(welcome, 0)


def test_a_proof_sent_back_is_not_taken_for_the_other_ends() -> None:
    """The role is part of what is proved."""
    caller, called = ends()
    called.on_hello(caller.hello())
    welcome = msgspec.msgpack.decode(called.welcome(0))

    with pytest.raises(BadFrame, match="does not know the secret"):
        called.on_proof(msgspec.msgpack.encode([0, welcome[-1]]))


def test_how_far_it_has_received_is_part_of_what_is_proved() -> None:
    """Nobody in between can make an end send too much or too little."""
    caller, called = ends()
    called.on_hello(caller.hello())
    welcome = msgspec.msgpack.decode(called.welcome(3))
    welcome[4] = 2

    with pytest.raises(BadFrame, match="does not know the secret"):
        caller.on_answer(msgspec.msgpack.encode(welcome), 0)


def test_a_refusal_is_believed_with_its_proof_alone() -> None:
    """To be told that one was declared dead is to end: not everybody may say so."""
    caller, called = ends()
    called.on_hello(caller.hello())
    refusal = called.refusal("node 2 was declared dead", fenced=True)
    forged = msgspec.msgpack.decode(refusal)
    forged[4] = not forged[4]

    answer = caller.on_answer(refusal, 0)
    with pytest.raises(BadFrame, match="does not know the secret"):
        caller.on_answer(msgspec.msgpack.encode(forged), 0)

    assert isinstance(answer, Refusal)
    assert answer.fenced
    assert answer.reason == "node 2 was declared dead"


def test_another_cluster_is_named_at_both_ends() -> None:
    """What theirs is, and what ours."""
    caller, called = ends(cluster="d")
    hello = called.on_hello(caller.hello())

    assert called.why_not(hello) == "it is of cluster 'c', and this node of 'd'"
    with pytest.raises(BadFrame, match="it is of cluster 'd', and this node of 'c'"):
        caller.on_answer(called.refusal("another cluster"), 0)


def test_another_version_is_named_at_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what to do about it."""
    caller, called = ends()
    hello = called.on_hello(caller.hello())
    refusal = called.refusal("another version")
    monkeypatch.setattr(handshake, "VERSION", VERSION + 1)

    assert called.why_not(hello) == "it speaks version 1, and this node 2; install the same actorstream on both"
    with pytest.raises(BadFrame, match="it speaks version 1, and this node 2"):
        caller.on_answer(refusal, 0)


@given(frame=st.binary(max_size=300), cut=st.integers(0, 200), place=st.integers(0, 200), byte=st.integers(0, 255))
def test_whatever_comes_instead_of_the_first_words_is_a_bad_frame(
    frame: bytes, cut: int, place: int, byte: int
) -> None:
    """Random bytes, words cut short, and words with one byte changed: never believed, never another error."""
    caller, called = ends()
    called.on_hello(caller.hello())
    welcome = called.welcome(0)
    said = caller.on_answer(welcome, 0)
    assert isinstance(said, tuple)

    for good, take in ((welcome, lambda bad: caller.on_answer(bad, 0)), (said[0], called.on_proof)):
        changed = good[: place % len(good)] + bytes([byte]) + good[place % len(good) + 1 :]
        for bad in (frame, good[: cut % len(good)], changed):
            if bad != good:
                with pytest.raises(BadFrame):
                    take(bad)


@given(frame=st.binary(max_size=300))
def test_what_is_no_hello_is_a_bad_frame(frame: bytes) -> None:
    """Whoever calls must at least be a node."""
    _, called = ends()

    with pytest.raises(BadFrame):
        called.on_hello(frame)
