"""The first words on a connection: both ends show who they are, and that they know the cluster's secret. Pure.

Theory of operation. The caller says hello; the called one answers with a welcome, which proves that it knows the
secret; the caller answers with a proof of its own. A proof is an HMAC over everything said so far, with the role of who
makes it, so that nothing said by one end, or on another connection, can be sent back as the other's. Both ends add how
far they have received, so that each knows what to send again. The secret itself is never sent.

A refusal is proved, too: a node that is told that it was declared dead ends itself, and not everybody may tell it so.

Guarantees: nobody who does not know the secret gets past it, or is believed; a version or a cluster that differs is
named, at both ends. Leaves to others: that what is said afterwards is not changed on its way (TLS).

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

REASON_CHARACTERS_MAX = 500
"""How much of its reason a refusal tells."""


class Hello(msgspec.Struct, array_like=True, frozen=True):
    """From the caller."""

    magic: str
    version: int
    cluster: str
    caller: int
    called: int
    nonce: bytes


class Welcome(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """From the called one: how far it has received, and its proof."""

    version: int
    cluster: str
    nonce: bytes
    received: int
    proof: bytes


class Refusal(msgspec.Struct, array_like=True, frozen=True, tag=2):
    """Instead of a welcome, and proved as one. `fenced`: the caller was declared dead, and must end."""

    version: int
    cluster: str
    reason: str
    fenced: bool
    proof: bytes


class Proof(msgspec.Struct, array_like=True, frozen=True):
    """From the caller: how far it has received, and its proof."""

    received: int
    proof: bytes


T = TypeVar("T")

_encode = msgspec.msgpack.Encoder().encode
_hello = msgspec.msgpack.Decoder(Hello)
_proof = msgspec.msgpack.Decoder(Proof)
_answer: msgspec.msgpack.Decoder[Welcome | Refusal] = msgspec.msgpack.Decoder(Welcome | Refusal)


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
        self._cluster = cluster
        self._said = _encode(Hello(MAGIC, VERSION, cluster, caller, called, nonce))

    def hello(self) -> bytes:
        """What to say first."""
        return self._said

    def on_answer(self, frame: bytes, received: int) -> tuple[bytes, int] | Refusal:
        """The answer came: (what to say next, how far the other end has received), or that it refuses.

        Raises:
            BadFrame: it is none, or not from somebody who knows the secret.
        """
        answer = _read(_answer, frame)
        why = _difference(answer.version, answer.cluster, self._cluster)
        if why:
            raise BadFrame(why)
        role, said = _claim(answer)
        _verify(self._secret, role, self._said + said, answer.proof)
        if isinstance(answer, Refusal):
            return answer
        proof = _mac(self._secret, b"caller", self._said + said + answer.proof + _encode(received))
        return _encode(Proof(received, proof)), answer.received


class Called:
    """The end that took the connection; see `Caller`."""

    def __init__(self, cluster: str, secret: bytes, nonce: bytes) -> None:
        self._cluster, self._secret, self._nonce = cluster, secret, nonce
        self._said = b""

    def on_hello(self, frame: bytes) -> Hello:
        """Who calls, as it says itself.

        Raises:
            BadFrame: it is no hello.
        """
        hello = _read(_hello, frame)
        if hello.magic != MAGIC or len(hello.nonce) != NONCE_BYTES:
            raise BadFrame("it is no node of this kind that calls")
        self._said = _encode(hello)
        return hello

    def why_not(self, hello: Hello) -> str:
        """Why the caller cannot be understood; nothing if it can."""
        return _difference(hello.version, hello.cluster, self._cluster)

    def welcome(self, received: int) -> bytes:
        """What to answer."""
        return self._answer(Welcome(VERSION, self._cluster, self._nonce, received, b""))

    def refusal(self, reason: str, *, fenced: bool = False) -> bytes:
        """What to answer a caller that is not wanted."""
        return self._answer(Refusal(VERSION, self._cluster, reason[:REASON_CHARACTERS_MAX], fenced, b""))

    def _answer(self, answer: Welcome | Refusal) -> bytes:
        role, said = _claim(answer)
        self._said += said
        proof = _mac(self._secret, role, self._said)
        self._said += proof
        return _encode(msgspec.structs.replace(answer, proof=proof))

    def on_proof(self, frame: bytes) -> int:
        """How far the caller has received; it is who it says.

        Raises:
            BadFrame: it does not know the secret.
        """
        proof = _read(_proof, frame)
        _verify(self._secret, b"caller", self._said + _encode(proof.received), proof.proof)
        return proof.received


def nonce(secret: bytes, chance: int) -> bytes:
    """A nonce out of 64 bits of chance; who does not know the secret does not foresee it, even having seen others."""
    return _mac(secret, b"nonce", chance.to_bytes(8, "big"))[:NONCE_BYTES]


def _read(decoder: msgspec.msgpack.Decoder[T], frame: bytes) -> T:
    try:
        return decoder.decode(frame)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadFrame("these are not the first words of a node") from None


def _difference(version: int, cluster: str, ours: str) -> str:
    if version != VERSION:
        return f"it speaks version {version}, and this node {VERSION}; install the same actorstream on both"
    if cluster != ours:
        return f"it is of cluster {cluster!r:.80}, and this node of {ours!r:.80}"
    return ""


def _claim(answer: Welcome | Refusal) -> tuple[bytes, bytes]:
    """The role of whoever says this, and what its proof is about."""
    role = b"called" if isinstance(answer, Welcome) else b"refusing"
    return role, _encode(msgspec.structs.astuple(answer)[:-1])


def _verify(secret: bytes, role: bytes, said: bytes, proof: bytes) -> None:
    if not hmac.compare_digest(proof, _mac(secret, role, said)):
        raise BadFrame("it does not know the secret of this cluster")


def _mac(secret: bytes, role: bytes, said: bytes) -> bytes:
    return hmac.digest(secret, role + b"\x00" + said, hashlib.sha256)
