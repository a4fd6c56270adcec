"""Where the states of one task are kept: in memory, or in a map on the disk that is made anew with the task."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from actorstream.host import Disk, OrderedMap
from actorstream.streams.job.spec import JobSpec, TaskSpec, actor_name
from actorstream.streams.store.ordered_store import OrderedStore
from actorstream.streams.store.table import StateTable

IN_MEMORY, IN_ROCKSDB = "memory", "rocksdb"

STATES = (IN_MEMORY, IN_ROCKSDB)


class TaskStores:
    """See the module. One map holds all states of the task."""

    def __init__(self, spec: TaskSpec) -> None:
        self._spec = spec
        self._map: OrderedMap | None = None

    def open(self, disk: Disk, tables: Iterable[StateTable[Any]]) -> None:
        """Give the tables of a new task their place."""
        if self._spec.job.settings.state == IN_MEMORY:
            return
        for number, table in enumerate(tables):
            if self._map is None:
                self._map = disk.open_map(f"{_directory(self._spec.job)}/{actor_name(self._spec.id)}")
            table.keep_in(OrderedStore(self._map, number), self._spec.job.settings.live_max)

    def close(self) -> None:
        """The task has ended."""
        if self._map is not None:
            self._map.close()
            self._map = None


def forget_stores(disk: Disk, job: JobSpec) -> None:
    """Remove what tasks left behind that could not close their stores."""
    disk.remove_tree(_directory(job))


def _directory(job: JobSpec) -> str:
    return os.path.join(job.settings.scratch, "state", actor_name(job.name))
