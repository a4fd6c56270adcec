"""An outpost: a child of an actor of this node that lives on another node.

To its parent it is a child like any other: it is started, told to stop, waits for its restart, is forgotten. What it is
told goes to the node where the child is a guest; what happens there is told to the parent. If the node is lost, so is
the child's life, and the next one begins on another node.

Guarantees: one end is reported for each start, whatever becomes of the node, and none that belongs to an earlier life.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorstream.actors.message import ExitReason, Killed, Normal, Shutdown
from actorstream.actors.nodes.messages import ForgetGuest, StartGuest, StopGuest, SuspendGuest
from actorstream.actors.observing import told
from actorstream.actors.ref import Ref
from actorstream.actors.specification import ChildSpec
from actorstream.actors.state import State

if TYPE_CHECKING:
    from actorstream.actors.cell import Cell
    from actorstream.actors.nodes.cluster import Cluster
    from actorstream.actors.nodes.placement import Factory


class Outpost:
    """See the module.

    Attributes:
        node: the number of the node where it lives, or lived last; None: nowhere yet.
        is_there: that node has said so. Before, only what takes the way of the order to start it surely comes later.
        parked: (path, node): who asked where it, or what is below it, lives, while it lived nowhere.
    """

    __slots__ = (
        "_cluster",
        "factory",
        "incarnation",
        "is_over",
        "is_there",
        "life",
        "node",
        "parent",
        "parked",
        "path",
        "reason",
        "ref",
        "spec",
        "starts",
        "state",
    )

    def __init__(self, cluster: Cluster, parent: Cell, spec: ChildSpec, path: str, factory: Factory) -> None:
        self._cluster = cluster
        self.parent = parent
        self.spec = spec
        self.path = path
        self.ref = Ref(path)
        self.factory = factory
        self.state = State.STARTING
        self.incarnation = 0
        self.life = 0
        self.starts = 0
        self.node: int | None = None
        self.is_there = False
        self.reason: ExitReason = Normal()
        self.is_over = True  # The present life has ended, and that was reported.
        self.parked: list[tuple[str, int]] = []

    @property
    def node_name(self) -> str:
        """See `Child`."""
        return self._cluster.name_of(self.node)

    @property
    def shown_state(self) -> str:
        """See `Child`."""
        return str(self.state)

    @property
    def why(self) -> str:
        """See `Child`."""
        return told(self.reason) if self.is_over and self.starts else ""

    @property
    def restarts(self) -> int:
        """How many lives followed the first."""
        return max(0, self.starts - 1)

    # --- what its parent says ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin the next life: where the last one was if that node lives, else wherever there is a place."""
        assert self.is_over
        self.state = State.STARTING
        self.is_over = False
        self.starts += 1
        self.life = self._cluster.next_life()  # An earlier outpost at this path had others.
        self.incarnation = 0
        if self.node is not None:
            self.start_on(self.node)
        else:
            self._cluster.place(self)

    def start_on(self, node: int) -> None:
        """There is a place on this node."""
        assert not self.is_over
        self.node, self.is_there = node, False
        parent = self.parent.ref.pinned(self.parent.incarnation)
        made = self.factory
        start = StartGuest(self.path, self.life, parent, made.module, made.file, made.spec, made.frames)
        self._cluster.tell(node, start)

    def tell_to_stop(self) -> None:
        """End this life."""
        if self.is_over:
            return  # The parent is about to be told.
        if self.node is None:
            self._cluster.withdraw(self)
            self._over(Shutdown())
            return
        self.state = State.STOPPING
        self._cluster.tell(self.node, StopGuest(self.path, self.life))

    def kill(self) -> None:
        """See `Child`: whoever lives there is ended by its node."""
        self.is_over = True
        self.remove()

    def suspend(self) -> None:
        """It waits for its restart; its node answers for it meanwhile."""
        self.state = State.SUSPENDED
        if self.node is not None:
            self._cluster.tell(self.node, SuspendGuest(self.path, self.life))

    def remove(self) -> None:
        """It is gone for good."""
        self._cluster.forget_outpost(self)
        if self.node is not None:
            self._cluster.tell(self.node, ForgetGuest(self.path, self.parent.ref))

    # --- what its node says ------------------------------------------------------------------------------------------

    def on_started(self, life: int, incarnation: int) -> None:
        """A life began."""
        self._note(life, incarnation)
        if life == self.life and not self.is_over:
            self.incarnation = incarnation
            if self.state is State.STARTING:
                self.state = State.RUNNING

    def on_ended(self, life: int, incarnation: int, reason: ExitReason) -> None:
        """A life ended; one that could not begin has no incarnation."""
        self._note(life, incarnation)
        if life == self.life and not self.is_over:
            self.incarnation = incarnation or self.incarnation
            self._over(reason)

    def _note(self, life: int, incarnation: int) -> None:
        if life == self.life and incarnation:
            self.is_there = True

    def on_lost(self, reason: ExitReason) -> None:
        """The node is dead, and `node` is None."""
        if not self.is_over:
            self._over(reason)

    def _over(self, reason: ExitReason) -> None:
        self.is_over = True
        self.reason = reason
        self.state = State.STOPPED if isinstance(reason, Normal | Shutdown | Killed) else State.FAILED
        self.parent.report_end(self.spec.name, reason)
