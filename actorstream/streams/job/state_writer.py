"""What each checkpoint writes of a task's state: mostly changes, now and then a base. Pure.

A base holds all of a state and takes the place of everything written before it. It is due when the changes since the
last one are several times what the state holds now: then writing it costs less than what has been written already, and
whoever loads the state reads at most that many times its size.

The base of a state outside of memory is written in pieces, some key groups in each checkpoint, along with the changes.
How large such a state is, is not known; when as many changes have come as would do for a base if it were as large as it
was thought to be, the entries of one key group are counted.
"""

from __future__ import annotations

from actorstream.model.identity import KEY_GROUPS
from actorstream.streams.store.changelog import StateChanges
from actorstream.streams.store.changes import Change
from actorstream.streams.store.table import StateTable

BASE_AFTER_TIMES = 4
"""How many times its size a state's changes may outgrow it before a base is written."""

BASE_PIECE_ENTRIES = 16_384
"""Entries of a base that one checkpoint writes, about, where the state is outside of memory; more if it writes more
changes."""

_ALL = range(KEY_GROUPS)


class _Base:
    """A base that is written in pieces: the groups to come, and about how many entries all have."""

    def __init__(self, groups: range, entries: int) -> None:
        self.left = groups
        self._entries_a_group = max(entries / len(groups), 1)

    def take(self, entries: int) -> range:
        """The groups of the next piece, which should have about so many entries."""
        count = max(int(entries / self._entries_a_group), 1)
        taken, self.left = self.left[:count], self.left[count:]
        return taken


class StateWriter:
    """See the module. `base_after` changes are never too many; `groups` are those that the task owns.

    `base_piece`: see `BASE_PIECE_ENTRIES`.
    """

    def __init__(self, base_after: int, groups: range = _ALL, base_piece: int = BASE_PIECE_ENTRIES) -> None:
        self._base_after = base_after
        self._base_piece = base_piece
        self._groups = groups
        self._since_base: dict[str, int] = {}
        self._sizes: dict[str, int] = {}  # Of states outside of memory: about, when they were counted last.
        self._bases: dict[str, _Base] = {}  # Those that are not complete.

    def count(self, state: str, changes: int) -> None:
        """So many changes, each as often as its table's weight says, lie after the last base."""
        self._since_base[state] = self._since_base.get(state, 0) + changes

    def seal(self, tables: dict[str, StateTable[object]], checkpoint: int) -> dict[str, list[StateChanges]]:
        """Seal all tables; what the checkpoint writes of those that changed."""
        written = {}
        for state, table in tables.items():
            changes = table.seal(checkpoint)
            if changes or table.is_upgraded:
                self.count(state, len(changes) * table.weight)
                written[state] = self._changes_or_base(state, table, changes)
        return written

    def _changes_or_base(self, state: str, table: StateTable[object], changes: list[Change]) -> list[StateChanges]:
        is_due = self._is_due(state, table, len(changes))
        if table.is_upgraded or (is_due and not table.is_outside):
            self._since_base[state] = 0
            self._bases.pop(state, None)
            return [StateChanges(table.entries(), self._groups, base=True)]
        written = [StateChanges(changes, self._groups)]
        if is_due and state not in self._bases:
            self._bases[state] = _Base(self._groups, self._sizes[state])
            self._since_base[state] = 0
        if state in self._bases:
            written.append(self._piece(state, table, max(len(changes), self._base_piece)))
        return written

    def _is_due(self, state: str, table: StateTable[object], newest: int) -> bool:
        if not table.is_outside:
            return self._is_too_many(state, table.size(self._groups) * table.weight)
        if not self._is_too_many(state, self._sizes.get(state, 0)):
            return False
        self._sizes[state] = table.size(self._groups) + newest  # Many of these may be in there.
        return self._is_too_many(state, self._sizes[state])

    def _is_too_many(self, state: str, size: int) -> bool:
        return self._since_base[state] > max(self._base_after, BASE_AFTER_TIMES * size)

    def _piece(self, state: str, table: StateTable[object], entries: int) -> StateChanges:
        base = self._bases[state]
        groups = base.take(entries)
        piece = table.entries(groups[0], groups[-1])
        if not base.left:
            del self._bases[state]
        return StateChanges(piece, groups, base=True)
