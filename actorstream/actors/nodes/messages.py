"""What nodes say to each other about actors that live, or are sought, on another node than their parent.

A *guest* is an actor that lives here and whose parent lives on another node; there, an *outpost* stands in its place.
Each start of a guest is a *life*, numbered by its outpost, so that what is said of an earlier one counts for nothing.
"""

from __future__ import annotations

from typing import Any

from actorstream.actors.message import ExitReason, Message
from actorstream.actors.ref import Ref


class NodeReady(Message):
    """To the driver, from a node that has just started: it may be given actors."""

    name: str
    address: str  # Where other nodes of its host reach it.
    pid: int
    host: str
    capabilities: dict[str, Any]
    public: str = ""  # Where those of other hosts do, if that is elsewhere.


class NodeUp(Message):
    """From the driver: this node lives. A number is never given twice."""

    number: int
    name: str
    address: str  # Where the node that is told reaches it.
    capabilities: dict[str, Any]


class NodeLost(Message):
    """From the driver: this node is dead, and cannot act any more. Said after it was made sure of."""

    number: int
    name: str
    hung: HungActor | None = None


class HungActor(Message):
    """Why a node killed itself: a handler that did not come back."""

    path: str
    handler: str  # The type of the message it was handling.
    seconds: float
    stack: str


class NodeUnreachable(Message):
    """To the driver: this node has been silent to us for so long that one of us must go."""

    number: int


class StartGuest(Message):
    """Begin a life of the actor at `path`. Answered by `GuestStarted`, and some time later by `GuestEnded`."""

    path: str
    life: int
    parent: Ref  # Pinned.
    module: str  # Of the actor's class, to import before `spec` can be read.
    file: str
    spec: bytes
    frames: list[bytes]  # The data frames among its arguments.


class StopGuest(Message):
    """End this life of a guest (`Shutdown`)."""

    path: str
    life: int


class SuspendGuest(Message):
    """The guest, whose life has ended, waits for its restart."""

    path: str
    life: int


class ForgetGuest(Message):
    """The guest at `path`, which has ended, does not come back: what waits in its mailbox are dead letters."""

    path: str
    parent: Ref


class GuestStarted(Message):
    """A life of a guest has begun."""

    path: str
    life: int
    incarnation: int


class GuestEnded(Message):
    """A life of a guest has ended, or could not begin (`incarnation` is 0)."""

    path: str
    life: int
    incarnation: int
    reason: ExitReason


class StopChild(Message):
    """To the node of a guest's parent: somebody stopped the guest, for good."""

    path: str


class StopActor(Message):
    """Stop the actor at `path` for good."""

    path: str


class WhereIs(Message):
    """Where does the actor at `path` live? Passed on along the tree; answered, to `asker`, by `LivesAt`."""

    path: str
    asker: int
    hops: int = 0


class LivesAt(Message):
    """The actor at `path` lives on node `number`; -1: there is none."""

    path: str
    number: int


class PathLeft(Message):
    """From the node of its parent: who lived at `path` is gone for good. The next one there may live elsewhere."""

    path: str
    incarnation: int  # The last one, and why it ended.
    reason: ExitReason


class NoActor(Message):
    """What `sender` sent could not be delivered: there is no actor at `path` ("": not that incarnation), or no room."""

    path: str
    sender: str
    full: bool = False


class WatchPath(Message):
    """Tell this node of every end of an incarnation of the actor at `path`."""

    path: str


class LinkActors(Message):
    """The actors at these two paths fail together from now on; the first lives on the node that is told."""

    path: str
    other: str


class UnlinkActors(Message):
    """They no longer do."""

    path: str
    other: str


class Watching(Message):
    """The incarnation that lives at a watched path now."""

    path: str
    incarnation: int


class Ended(Message):
    """An incarnation of a watched actor ended.

    `asks`: the questions, by the path of who asked, that wait in its mailbox and may be answered by the next one;
    `last_question`: the number of the last that has arrived.
    """

    path: str
    incarnation: int
    reason: ExitReason
    asks: list[str]
    last_question: int


class Gone(Message):
    """A watched actor is gone for good; `incarnation` (0: never heard of) and `reason` are those of its last end."""

    path: str
    incarnation: int
    reason: ExitReason


class DescribeGuests(Message):
    """Describe all guests, for people. Answered by `GuestsDescribed`."""

    question: int


class GuestsDescribed(Message):
    """The subtrees of all guests of a node, as JSON by path."""

    question: int
    trees: dict[str, bytes]


class StopNode(Message):
    """To a node, from the driver: end, as everything has been stopped."""
