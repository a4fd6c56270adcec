"""The states of an actor."""

from __future__ import annotations

import enum


class State(enum.StrEnum):
    """Where a cell is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    HUNG = "hung"  # A handler does not come back.
    STOPPING = "stopping"
    FAILED = "failed"  # As STOPPING, after an error; and until the parent has decided.
    STOPPED = "stopped"
    SUSPENDED = "suspended"  # Waits for its restart.
