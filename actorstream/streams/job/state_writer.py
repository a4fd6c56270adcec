"""What each checkpoint writes of a task's state: mostly changes, now and then a base. Pure.

A base holds all of a state and takes the place of everything written before it. It is due when the changes since the
last one are several times what the state holds now: then writing it costs less than what has been written already, and
whoever loads the state reads at most that many times its size.
"""

from __future__ import annotations

from actorstream.streams.store.changelog import StateChanges
from actorstream.streams.store.changes import Change
from actorstream.streams.store.table import StateTable

BASE_AFTER_TIMES = 4
"""How many times its size a state's changes may outgrow it before a base is written."""


class StateWriter:
    """See the module. `base_after` changes are never too many."""

    def __init__(self, base_after: int) -> None:
        self._base_after = base_after
        self._since_base: dict[str, int] = {}

    def count(self, state: str, changes: int) -> None:
        """So many changes lie after the last base."""
        self._since_base[state] = self._since_base.get(state, 0) + changes

    def seal(self, tables: dict[str, StateTable[object]], checkpoint: int) -> dict[str, StateChanges]:
        """Seal all tables; what the checkpoint writes of those that changed."""
        written = {}
        for state, table in tables.items():
            changes = table.seal(checkpoint)
            if changes or table.is_upgraded:
                self.count(state, len(changes))
                written[state] = self._changes_or_base(state, table, changes)
        return written

    def _changes_or_base(self, state: str, table: StateTable[object], changes: list[Change]) -> StateChanges:
        if not table.is_upgraded and self._since_base[state] <= max(self._base_after, BASE_AFTER_TIMES * table.size()):
            return StateChanges(changes, base=False)
        self._since_base[state] = 0
        return StateChanges(table.everything(), base=True)
