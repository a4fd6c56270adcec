"""The first words on a connection: both ends show who they are, and that they know the cluster's secret. Pure.

Theory of operation. The caller says hello; the called one answers with a welcome, which proves that it knows the
secret; the caller answers with a proof of its own. A proof is an HMAC over everything said so far, with the role of who
makes it, so that nothing said by one end, or on another connection, can be sent back as the other's. Both ends add how
far they have received, so that each knows what to send again. The secret itself is never sent.

Guarantees: nobody who does not know the secret gets past it; a version or a cluster that differs is named.

Source: the challenge-response of ISO/IEC 9798-4, mechanism 5 (three passes, mutual).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TypeVar

import msgspec

from actorstream.actors.wire.bad_frame import BadFrame

VERSION = 1
"""Of what nodes say to each other; nodes of different versions refuse each other."""

MAGIC = "actorstream"
NONCE_BYTES = 16
HANDSHAKE_BYTES_MAX = 4_096
"""The longest frame before the other end has shown who it is."""


class Hello(msgspec.Struct, array_like=True, frozen=True):
    """From the caller."""

    magic: str
    version: int
    cluster: str
    caller: int
    called: int
    nonce: bytes


class Welcome(msgspec.Struct, array_like=True, frozen=True):
    """From the called one: how far it has received, and its proof."""

    version: int
    cluster: str
    nonce: bytes
    received: int
    proof: bytes


class Proof(msgspec.Struct, array_like=True, frozen=True):
    """From the caller: how far it has received, and its proof."""

    received: int
    proof: bytes


class Refusal(msgspec.Struct, array_like=True, frozen=True):
    """Instead of a welcome. `fenced`: the caller was declared dead, and must end."""

    reason: str
    fenced: bool


T = TypeVar("T")

_encode = msgspec.msgpack.Encoder().encode
_hello = msgspec.msgpack.Decoder(Hello)
_proof = msgspec.msgpack.Decoder(Proof)
_welcome = msgspec.msgpack.Decoder(Welcome)
_refusal = msgspec.msgpack.Decoder(Refusal)
_WELCOME, _REFUSAL = b"\x01", b"\x02"  # What comes first in an answer.


class Caller:
    """The end that made the connection.

    Args:
        cluster: its name.
        secret: of the cluster.
        caller: this node's number.
        called: the other's.
        nonce: chance that is used once.
    """

    def __init__(self, cluster: str, secret: bytes, caller: int, called: int, nonce: bytes) -> None:
        self._secret = secret
        self._hello = Hello(MAGIC, VERSION, cluster, caller, called, nonce)
        self._said = _encode(self._hello)

    def hello(self) -> bytes:
        """What to say first."""
        return self._said

    def on_answer(self, frame: bytes, received: int) -> tuple[bytes, int] | Refusal:
        """The answer came: (what to say next, how far the other end has received), or that it refuses.

        Raises:
            BadFrame: it is none, or not from somebody who knows the secret.
        """
        answer = _read_answer(frame)
        if isinstance(answer, Refusal):
            return answer
        _check_same(answer.version, answer.cluster, self._hello)
        said = self._said + _encode((answer.version, answer.cluster, answer.nonce, answer.received))
        if not hmac.compare_digest(answer.proof, _mac(self._secret, b"called", said)):
            raise BadFrame("the other end does not know the secret of this cluster")
        proof = _mac(self._secret, b"caller", said + answer.proof + _encode(received))
        return _encode(Proof(received, proof)), answer.received


class Called:
    """The end that took the connection; see `Caller`."""

    def __init__(self, cluster: str, secret: bytes, nonce: bytes) -> None:
        self._cluster, self._secret, self._nonce = cluster, secret, nonce
        self._said = b""

    def on_hello(self, frame: bytes) -> Hello:
        """Who calls, as it says itself.

        Raises:
            BadFrame: it is no hello, or of another version or cluster.
        """
        hello = _read(_hello, frame)
        if hello.magic != MAGIC or len(hello.nonce) != NONCE_BYTES:
            raise BadFrame("not a node of this kind")
        self._said = _encode(hello)
        _check_same(VERSION, self._cluster, hello)
        return hello

    def welcome(self, received: int) -> bytes:
        """What to answer."""
        words = (VERSION, self._cluster, self._nonce, received)
        self._said += _encode(words)
        proof = _mac(self._secret, b"called", self._said)
        self._said += proof
        return _WELCOME + _encode(Welcome(*words, proof))

    def on_proof(self, frame: bytes) -> int:
        """How far the caller has received; it is who it says.

        Raises:
            BadFrame: it does not know the secret.
        """
        proof = _read(_proof, frame)
        expected = _mac(self._secret, b"caller", self._said + _encode(proof.received))
        if not hmac.compare_digest(proof.proof, expected):
            raise BadFrame("the other end does not know the secret of this cluster")
        return proof.received


def refusal(reason: str, *, fenced: bool = False) -> bytes:
    """What to answer a caller that is not wanted."""
    return _REFUSAL + _encode(Refusal(reason, fenced))


def _read_answer(frame: bytes) -> Welcome | Refusal:
    if frame[:1] == _WELCOME:
        return _read(_welcome, frame[1:])
    if frame[:1] == _REFUSAL:
        return _read(_refusal, frame[1:])
    raise BadFrame("not an answer of a node")


def _read(decoder: msgspec.msgpack.Decoder[T], frame: bytes) -> T:
    try:
        return decoder.decode(frame)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadFrame("not the words of a node") from None


def _check_same(version: int, cluster: str, hello: Hello) -> None:
    if version != hello.version:
        raise BadFrame(f"versions differ: {hello.version} called {version}; install the same version on both")
    if cluster != hello.cluster:
        raise BadFrame(f"clusters differ: {hello.cluster!r:.80} called {cluster!r:.80}")


def _mac(secret: bytes, role: bytes, said: bytes) -> bytes:
    return hmac.digest(secret, role + b"\x00" + said, hashlib.sha256)
