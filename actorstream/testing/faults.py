"""What may go wrong in a simulation, and how often.

Each fault has a name and a rate; `simulate` gives back how often each one happened.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self


class Rates:
    """What both kinds of faults can do: a frozen dataclass of rates, all 0 by default."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @classmethod
    def none(cls) -> Self:
        """Nothing goes wrong; only the order of events is up to the seed."""
        return cls()

    def only(self, *names: str) -> Self:
        """These faults alone, at their rates.

        Example:
            >>> Faults.all().only("crash_actor").rates()
            {'crash_actor': 2.0}
        """
        return replace(type(self)(), **{name: getattr(self, name) for name in names})

    def rates(self) -> dict[str, float]:
        """The faults that are asked for, by name."""
        every = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: rate for name, rate in every.items() if rate > 0}


@dataclass(frozen=True, slots=True)
class Faults(Rates):
    """How many of each fault an average seed meets.

    crash_actor: one actor fails, and its supervisor decides.
    crash_process: everything stops at once; the page cache survives, the write under way may be cut short.
    crash_host: power is lost; of what was not synced any part may be lost or torn.
    take_over: a second coordinator of the job starts while the first goes on, as one that was taken for dead.
    full_disk: there is hardly any space left, until the job has stopped for it, or the process has crashed; then a
        person makes room and starts the job again.
    crash_node: with `nodes`, the process of one of them is killed, or its machine loses power; another takes its place.
    cut: with `nodes`, nothing gets from one of them to another, or to that of the log, nor back, for up to 20 s.
    zombie: with `nodes`, the machine of one sleeps, up to 20 s; given up meanwhile, it goes on for a moment when it
        wakes.
    lying_sync: from now on until power is lost half of all syncs only pretend. It voids every promise of durability:
        what was committed may be gone, and a log may be damaged. It is not among `all`.
    """

    crash_actor: float = 0.0
    crash_process: float = 0.0
    crash_host: float = 0.0
    take_over: float = 0.0
    full_disk: float = 0.0
    lying_sync: float = 0.0
    crash_node: float = 0.0
    cut: float = 0.0
    zombie: float = 0.0

    @classmethod
    def all(cls, *, nodes: int = 0) -> Faults:
        """Everything that the system promises to survive; with so many nodes."""
        of_nodes = {"crash_node": 1.5, "cut": 0.5, "zombie": 0.5} if nodes else {}
        return cls(crash_actor=2.0, crash_process=1.0, crash_host=1.0, take_over=0.5, full_disk=0.5, **of_nodes)
