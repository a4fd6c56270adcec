"""The log's supervisor: the catalogue, with a partition actor below it for each partition, and the groups.

A child that fails restarts alone, from the disk. A sync that failed ends the whole log: what the page cache shows can
no longer be trusted, and trying again would only hide that.
"""

from __future__ import annotations

from actorstream.actors import Context, Supervisor, child, one_for_one, receives
from actorstream.log.catalogue import Catalogue
from actorstream.log.groups import GroupCoordinator
from actorstream.log.loss import LogLost
from actorstream.log.settings import LogSettings


class Log(Supervisor, accepts=LogLost):
    """See the module. To be started with `restart="transient"`, so that it stays down after a failed sync."""

    strategy = one_for_one(restarts=5, within="60s")

    def __init__(self, settings: LogSettings) -> None:
        self.children = [
            child("groups", GroupCoordinator, settings, restart="transient"),
            child("catalogue", Catalogue, settings, restart="transient"),
        ]

    @receives(LogLost)
    def on_lost(self, lost: LogLost, context: Context) -> None:
        """End the log, and everything in it."""
        context.log.critical("the log ends, because a sync failed", reason=lost.reason)
        context.stop()
