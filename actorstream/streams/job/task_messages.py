"""What every task understands, whatever brings its batches."""

from __future__ import annotations

from actorstream.actors import Terminated
from actorstream.log.client import Appended, Fetched, Flushed, Refused
from actorstream.streams.job import messages as m

TaskMessage = (
    m.Prepare
    | m.Resume
    | m.Committed
    | m.Continue
    | m.Done
    | m.Credit
    | m.OpenChannel
    | m.Tick
    | m.TellTime
    | m.Wake
    | Appended
    | Fetched
    | Flushed
    | Refused
    | Terminated
)
