"""How a log is run: where it lies, how durable it is, how large its segments are."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from actorstream.errors import PlanError
from actorstream.log.storage import SEGMENT_BYTES_MAX
from actorstream.model.duration import duration_us

FlushSetting = Literal["none", "interval", "commit"]
"""When an append is made durable: whenever the machine likes; soon after; before it is answered."""

FLUSH_INTERVAL = "50ms"
"""Under `flush="interval"`: how long an append may wait to be made durable."""


class LogSettings(msgspec.Struct, frozen=True):
    """What every actor of one log is told.

    What a crash may lose of appends that were answered: of a process, nothing under any setting; of the host, nothing
    under `commit`, at most the last `flush_interval_us` under `interval`, everything since the last roll under `none`.
    Whatever a job's checkpoint or a group's commit names is durable under every setting.
    """

    flush: FlushSetting = "interval"
    flush_interval_us: int = duration_us(FLUSH_INTERVAL)
    segment_bytes_max: int = SEGMENT_BYTES_MAX
    directory: str = "log"  # on the host's disk
    supervisor: str = "log"  # the path of the log's supervisor among the actors

    def __post_init__(self) -> None:
        if self.flush not in get_args(FlushSetting):
            raise PlanError(f"flush is {self.flush!r}; use one of {', '.join(get_args(FlushSetting))}")
