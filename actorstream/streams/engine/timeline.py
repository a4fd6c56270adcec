"""The event time of one split: stamps each record with its time and the split's watermark at it.

The watermark at a record is the latest event time seen in the split, the record's included, less `max_delay`. That time
goes on while the split is silent is not its own doing: whoever merges the splits decides it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from actorstream.errors import OperatorError
from actorstream.model.instant import START_OF_TIME, Instant, to_instant, to_instants
from actorstream.streams.engine.batch import Batch, Origin
from actorstream.streams.engine.failure import cause_of, consumed, fail, record_of
from actorstream.streams.engine.fields import values_of
from actorstream.streams.engine.guard import Guard
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

    def stamp(self, batch: Batch, log_times_us: Sequence[int] | None, guard: Guard | None = None) -> Batch:
        """Give a batch of the split its times and marks.

        Args:
            log_times_us: the log's own timestamps; they count when the source names no event time.
            guard: decides about records without an event time; a record that is left out moves no time.

        Returns:
            The batch; without those that were left out.

        Raises:
            OperatorError: a record without an event time.
        """
        if not len(batch):
            return batch
        try:
            times = self._times(batch, log_times_us)
        except OperatorError:
            if guard is None:
                raise
            batch = batch.choose([place for place in range(len(batch)) if self._has_time(batch, place, guard)])
            return self.stamp(batch, log_times_us)
        if times is None:
            return batch
        batch.times = times
        marks: Any
        if isinstance(times, list):
            marks = [latest - self._delay_us for latest in accumulate(times, max, initial=self.latest)][1:]
            self.latest = marks[-1] + self._delay_us
        else:
            latest = self._rising(times)
            self.latest = int(latest[-1])
            marks = latest - self._delay_us if self._delay_us else latest
        batch.own = batch.marks = marks
        return batch

    def _rising(self, times: Any) -> Any:
        """The latest time up to each record; the times themselves where they are in order."""
        latest = times if times.is_sorted() else times.cum_max()
        floor = max(self.latest, START_OF_TIME)
        return latest if latest[0] >= floor else latest.clip(lower_bound=floor)

    def _has_time(self, batch: Batch, place: int, guard: Guard) -> bool:
        """Whether a record has an event time; if not, it follows the policy, but is not tried again."""
        try:
            self._times(batch.part(place, place + 1), None)
        except OperatorError as error:
            guard.give_up(cause_of(error), batch, place, record_of(batch, place))
            return False
        return True

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
