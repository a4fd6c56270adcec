"""The event time of one split: stamps each record with its time and the split's watermark at it.

The watermark at a record is the latest event time seen in the split, the record's included, less `max_delay`. That time
goes on while the split is silent is not its own doing: whoever merges the splits decides it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from actorstream.model.instant import START_OF_TIME, Instant, to_instant, to_instants
from actorstream.streams.engine.batch import Batch, Origin
from actorstream.streams.engine.failure import consumed, fail
from actorstream.streams.engine.fields import values_of
from actorstream.streams.plan.nodes import Source


class Timeline:
    """See the module. `latest` is the largest event time seen; it goes into checkpoints."""

    def __init__(self, source: Source, origin: Origin) -> None:
        self._source = source
        self._origin = origin
        self._delay_us = source.max_delay_us
        self.latest: Instant = START_OF_TIME

    @property
    def watermark(self) -> Instant:
        """No record that is still to come is expected at or before this."""
        return START_OF_TIME if self.latest == START_OF_TIME else self.latest - self._delay_us

    def stamp(self, batch: Batch, log_times_us: Sequence[int] | None) -> None:
        """Give a batch of the split its times and marks.

        Args:
            log_times_us: the log's own timestamps; they count when the source names no event time.

        Raises:
            OperatorError: a record without an event time.
        """
        if not len(batch):
            return
        times = self._times(batch, log_times_us)
        if times is None:
            return
        batch.times = times
        marks: Any
        if isinstance(times, list):
            marks = [latest - self._delay_us for latest in accumulate(times, max, initial=self.latest)][1:]
            self.latest = marks[-1] + self._delay_us
        else:
            marks = times.cum_max().clip(lower_bound=max(self.latest, START_OF_TIME)) - self._delay_us
            self.latest = int(marks[-1]) + self._delay_us
        batch.own = batch.marks = marks

    def _times(self, batch: Batch, log_times_us: Sequence[int] | None) -> Any:
        by = self._source.event_time
        if by is None:
            return None if log_times_us is None else list(log_times_us)
        if isinstance(by, str) and batch.is_columns:
            column = _instants(batch.frame()[by])
            if column is not None:
                return column
        values = values_of(self._source.name, by, batch)
        instants = to_instants(values)
        if instants is not None:
            return instants
        left = iter(values)
        try:
            return [to_instant(value) for value in left]
        except TypeError as error:
            cause = ValueError(f"it has no event time ({error}); every record of the stream needs one")
            fail(self._source.name, batch, consumed(left, len(values)), cause)


def _instants(column: Any) -> Any:
    """A column of times as instants; None if some are missing, or it holds something else."""
    import polars

    if column.dtype == polars.Date:
        column = column.cast(polars.Datetime("us"))
    if column.null_count() or not isinstance(column.dtype, polars.Datetime):
        return None
    return column.dt.cast_time_unit("us").to_physical()
