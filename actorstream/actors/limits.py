"""The bounds of the actor system, each with its name.

A bound that is reached means a protocol asks for more than it should: it is reported (`MailboxFull`), never silence.
"""

from __future__ import annotations

MAILBOX_MAX = 65_536
"""Messages that may wait in one mailbox, unless the actor's class sets `mailbox_max`."""

INBOX_MAX = 262_144
"""Calls from other threads that may wait for the system's thread."""

ASKS_MAX = 65_536
"""Questions from outside that may wait for an answer at once."""

BACKGROUND_MAX = 1_024
"""Pieces of background work that one actor may have under way."""

BACKGROUND_THREADS = 4
"""Threads that do the background work of a local system."""

TOMBSTONES_MAX = 1_024
"""Ended actors whose last incarnation and reason are remembered, for whoever watches them too late."""

DEAD_LETTERS_MAX = 100
"""Dead letters that a system remembers, the newest."""

POISON_MAX = 1_024
"""Deliveries that crashed an actor whose counts are remembered, the newest."""

FAILURES_MAX = 1_000
"""Failures that a system remembers, the newest."""

TRACE_LINES_MAX = 200
"""Steps of a simulation that are remembered, the newest."""

SLICE_SECONDS = 0.005
"""How long mailboxes are drained before the event loop gets its turn."""

BATCH_MESSAGES = 64
"""Messages of one actor that are handled before the next actor gets its turn."""

STOP_SECONDS = 60.0
"""How long leaving a local system waits for its actors and threads."""
