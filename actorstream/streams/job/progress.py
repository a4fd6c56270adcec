"""How far a task is, from what its stages have counted."""

from __future__ import annotations

from collections.abc import Sequence

from actorstream.model.instant import Instant
from actorstream.streams.engine.gaps import GapsStage
from actorstream.streams.engine.match import MatchStage
from actorstream.streams.engine.sinks import WritingStage
from actorstream.streams.engine.stage import Stage
from actorstream.streams.engine.window_stage import WindowStage
from actorstream.streams.job.messages import Progress


def progress_of(stages: Sequence[Stage], records_in: int, records_out: int, watermark: Instant) -> Progress:
    """The progress of a task of these stages; `records_out`: what it has written into topics and two-phase sinks."""
    gaps = [stage for stage in stages if isinstance(stage, GapsStage)]
    return Progress(
        records_in=records_in,
        records_out=records_out + sum(stage.written for stage in stages if isinstance(stage, WritingStage)),
        watermark=watermark,
        open_windows=sum(stage.open_windows() for stage in stages if isinstance(stage, WindowStage)),
        late_records=sum(stage.late_records for stage in stages if isinstance(stage, WindowStage | MatchStage)),
        missing_records=sum(stage.missing for stage in gaps),
        duplicate_records=sum(stage.duplicates for stage in gaps),
        skipped=sum(stage.skipped for stage in stages),
        dead_letters=sum(stage.dead_letters for stage in stages),
    )
