"""What follows when a sync fails: nothing of the log may go on, for what the page cache shows can't be trusted."""

from __future__ import annotations

from actorstream.actors import Context, Crash, ExitReason, Message, Ref
from actorstream.errors import SyncFailed


class LogLost(Message):
    """To the log's supervisor: a sync failed."""

    reason: str


def report_loss(reason: ExitReason, supervisor: str, context: Context) -> None:
    """Tell the log's supervisor, if this is why the actor ended; it must not come back from a disk like that."""
    if isinstance(reason, Crash) and isinstance(reason.error, SyncFailed):
        context.send(Ref(supervisor), LogLost(str(reason.error)))
