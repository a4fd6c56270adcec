"""Who keeps a window open, for people."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from actorstream.model.instant import START_OF_TIME, show_instant, to_datetime, to_instant
from actorstream.streams.job import messages as m


class Holder(msgspec.Struct, frozen=True):
    """A split, or an operator, whose watermark has not reached the end of a window.

    Attributes:
        task: which one, as "bids[2]": partition 2 of the source `bids`.
        watermark: how far in event time it is; None if it has brought nothing yet.
        state: what a split does: "behind" (it reads), "silent" (there is nothing to read, and it may not be idle yet),
            "ahead" (it waits for splits that are further behind), "waiting for a table"; "" for an operator.
        idle_in: how long a silent split must be silent until it holds nothing back any more.
    """

    task: str
    watermark: datetime | None
    state: str = ""
    idle_in: timedelta = timedelta(0)

    def __str__(self) -> str:
        where = "has brought nothing yet"
        if self.watermark is not None:
            where = f"is at {show_instant(to_instant(self.watermark))}"
        more = {
            m.SILENT: f", and silent; it counts as idle in {self.idle_in.total_seconds():g} s",
            m.AHEAD: ", and waits for others that are further behind",
            m.WAITING: ", and waits until a table is read",
        }
        return f"{self.task} {where}{more.get(self.state, '')}"


def holder(time: m.TaskTime) -> Holder:
    """What a task said, for people."""
    watermark = None if time.watermark <= START_OF_TIME else to_datetime(time.watermark)
    return Holder(time.task, watermark, time.state, timedelta(microseconds=time.waits_us))
