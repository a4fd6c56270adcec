"""The actor that owns one partition: it appends, lets readers read, and makes durable what must be.

Guarantees: an append is answered when it is as durable as its log's setting, or the append, asks; readers of committed
records never see what is undecided, and under `flush="commit"` nobody sees what is not durable. After a failure it
comes back from the disk; after a sync that failed the whole log ends, because the page cache can no longer be trusted.
Leaves to others: bytes and recovery (`storage`), repetition and transactions (`producers`), who may write (`fences`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actorstream.actors import Actor, Context, Crash, ExitReason, Message, Ref, receives
from actorstream.errors import ActorstreamError, DiskFull, Fenced, OffsetOutOfRange
from actorstream.log.batch import BadBatch, check_batches
from actorstream.log.commit_queue import CommitQueue, Deliver
from actorstream.log.control import control_batch
from actorstream.log.fences import Fences
from actorstream.log.loss import report_loss
from actorstream.log.messages import (
    Append,
    Appended,
    EpochOpened,
    Fetch,
    Fetched,
    Flush,
    Flushed,
    ListOffsets,
    MarkersWritten,
    OffsetsListed,
    OpenEpoch,
    Refused,
    WriteMarkers,
)
from actorstream.log.parked import Parked, ParkedFetches
from actorstream.log.partition_events import Configure, FetchExpired, FlushDue, Synced
from actorstream.log.producers import Repeated
from actorstream.log.refusals import EndMoved, error_of, refusal
from actorstream.log.settings import LogSettings
from actorstream.log.storage import PartitionLog
from actorstream.model.topic import TopicSpec

FETCH_BYTES_MAX = 16 << 20
"""The most that one answer carries, unless a single batch is larger."""

FULLNESS_TO_FLUSH = 0.75
"""A segment this full is flushed in the background, so that sealing it has little left to wait for."""


PartitionMessage = (
    Append | Fetch | Flush | ListOffsets | OpenEpoch | WriteMarkers | Configure | Synced | FlushDue | FetchExpired
)


class Partition(Actor, accepts=PartitionMessage):
    """See the module. `describe` gives the topic as it is now, also after a restart."""

    def __init__(self, describe: Callable[[], TopicSpec], number: int, settings: LogSettings) -> None:
        self._describe, self._number, self._settings = describe, number, settings
        self._log: PartitionLog | None = None
        self._damage: ActorstreamError | None = None  # Why the log could not be opened.
        self._commits = CommitQueue()
        self._fences = Fences()
        self._parked = ParkedFetches()
        self._flush_is_due = False
        self._flushed_early = -1  # The segment that was flushed before it is full.
        self._segment = -1  # The segment that was newest after the last write.

    def started(self, context: Context) -> None:
        """Open the log; what cannot be opened answers every question with the reason."""
        self._spec = self._describe()
        self._open(context)

    def _open(self, context: Context) -> None:
        try:
            self._log = PartitionLog.open(
                context.host.disk,
                f"{self._settings.directory}/{self._name}",
                topic_id=self._spec.topic_id,
                segment_bytes_max=self._settings.segment_bytes_max,
            )
        except ActorstreamError as error:
            refusal(0, error)  # Raises what is no answer.
            self._damage = error
            context.log.error("partition cannot be opened", partition=self._name, reason=str(error))
            return
        if self._log.cut_bytes:
            context.log.warning("torn tail cut", cut_bytes=self._log.cut_bytes, end_offset=self._log.end_offset)
        self._drop_expired(context)

    def stopped(self, context: Context, reason: ExitReason) -> None:
        """Close the log; after a failure without a last flush, for its state may not be what it should."""
        if self._log is not None:
            self._log.close(clean=not isinstance(reason, Crash))
        report_loss(reason, self._settings.supervisor, context)

    def observe(self) -> dict[str, Any]:
        """Offsets and who waits."""
        if self._log is None:
            return {"damage": str(self._damage)}
        return {
            "start_offset": self._log.start_offset,
            "end_offset": self._log.end_offset,
            "flushed_offset": self._log.flushed_offset,
            "last_stable_offset": self._stable_offset(self._log),
            "waiting_for_flush": len(self._commits),
            "waiting_readers": len(self._parked),
        }

    # --- writing -----------------------------------------------------------------------------------------------

    @receives(Append)
    def on_append(self, append: Append, context: Context) -> None:
        """Write the batches, unless they repeat, break an order, or come from a past epoch."""
        log = self._opened(append.request, context)
        if log is None:
            return
        try:
            first_offset, end_offset = self._append(log, append)
        except ActorstreamError as error:
            context.reply(refusal(append.request, error))
            return
        answer = Appended(first_offset, end_offset, append.request)
        self._answer_when_durable(log, context, end_offset, answer, flush=append.flush)
        self._after_write(log, context)

    def _append(self, log: PartitionLog, append: Append) -> tuple[int, int]:
        """The offsets of the batches, whether they are written now or were before."""
        headers = check_batches(append.batches)
        if any(header.is_control for header in headers):
            raise BadBatch(0, "only the log itself writes markers")
        if append.expected_end is not None and append.expected_end != log.end_offset:
            raise EndMoved(f"the log ends at {log.end_offset}, not at {append.expected_end}")
        self._fences.check(headers)
        repeated, rejected = log.producers.check(headers)
        if rejected is not None:
            raise error_of(Refused(0, rejected.code, rejected.reason))
        if not repeated:
            return log.append(append.batches, headers)
        if len(repeated) == len(headers):
            return repeated[0].first_offset, repeated[-1].end_offset
        return self._append_rest(log, append.batches, repeated, headers[len(repeated)].position)

    @staticmethod
    def _append_rest(log: PartitionLog, batches: bytes, repeated: list[Repeated], position: int) -> tuple[int, int]:
        """Write what did not come through when these batches were first sent."""
        rest = batches[position:]
        _, end_offset = log.append(rest, check_batches(rest))
        return repeated[0].first_offset, end_offset

    @receives(OpenEpoch)
    def on_open_epoch(self, asked: OpenEpoch, context: Context) -> None:
        """End what earlier epochs left open, as the job decided, and take this epoch's appends from now on."""
        log = self._opened(asked.request, context)
        if log is None:
            return
        try:
            endings = self._fences.open(asked, log.producers)
            self._mark(log, context, [(known, asked.producer_epoch, commit) for known, commit in endings])
        except ActorstreamError as error:
            context.reply(refusal(asked.request, error))
            return
        context.reply(EpochOpened(asked.request))

    @receives(WriteMarkers)
    def on_write_markers(self, asked: WriteMarkers, context: Context) -> None:
        """End the open transactions of these producers."""
        log = self._opened(asked.request, context)
        if log is None:
            return
        try:
            self._mark(log, context, _markers(log, asked))
        except ActorstreamError as error:
            context.reply(refusal(asked.request, error))
            return
        context.reply(MarkersWritten(log.end_offset, asked.request))

    def _mark(self, log: PartitionLog, context: Context, markers: list[tuple[int, int, bool]]) -> None:
        """Append a marker for each (producer id, epoch, commit), all at once."""
        if markers:
            now_ms = context.now() // 1000
            data = b"".join(control_batch(who, epoch, commit=yes, timestamp_ms=now_ms) for who, epoch, yes in markers)
            log.append(data, check_batches(data))
            self._after_write(log, context)

    # --- durability --------------------------------------------------------------------------------------------

    @receives(Flush)
    def on_flush(self, flush: Flush, context: Context) -> None:
        """Answer when everything below `up_to` is durable."""
        log = self._opened(flush.request, context)
        if log is None:
            return
        if flush.up_to > log.end_offset:
            error = OffsetOutOfRange(self._name, flush.up_to, log.start_offset, log.end_offset)
            context.reply(refusal(flush.request, error))
            return
        self._answer_when_durable(log, context, flush.up_to, Flushed(flush.up_to, flush.request), flush=True)

    def _answer_when_durable(
        self, log: PartitionLog, context: Context, offset: int, answer: Message, *, flush: bool
    ) -> None:
        """Reply now, or once everything below `offset` is on stable storage if somebody asks for that."""
        if offset <= log.flushed_offset or not (flush or self._settings.flush == "commit"):
            context.reply(answer)
            return
        self._commits.wait(offset, _delivery(context, context.sender, answer))
        self._sync(log, context)

    def _after_write(self, log: PartitionLog, context: Context) -> None:
        """Sync as the setting says, and wake readers."""
        if self._settings.flush == "commit":
            self._sync(log, context)
        elif self._settings.flush == "interval" and not self._flush_is_due:
            self._flush_is_due = True
            context.schedule(self._settings.flush_interval_us, FlushDue())
        if log.fullness >= FULLNESS_TO_FLUSH and self._flushed_early != log.active_offset:
            self._flushed_early = log.active_offset
            self._sync(log, context)
        if self._segment != log.active_offset:
            self._segment = log.active_offset
            self._drop_expired(context)
        self._wake_readers(log, context)

    @receives(FlushDue)
    def on_flush_due(self, _: FlushDue, context: Context) -> None:
        """Make durable what was written since the last time."""
        self._flush_is_due = False
        if self._log is not None:
            self._sync(self._log, context)

    def _sync(self, log: PartitionLog, context: Context) -> None:
        """Begin a sync, unless one is under way: then its end begins the next."""
        if log.flushed_offset < log.end_offset and self._commits.begin():
            work, offset = log.flush_work()
            context.background(lambda: _synced(work, offset), _itself)

    @receives(Synced)
    def on_synced(self, synced: Synced, context: Context) -> None:
        """Tell who waited, and begin the next sync if somebody still does."""
        log = self._log
        assert log is not None, "a sync without a log"
        log.flushed(synced.offset)
        for deliver in self._commits.synced(log.flushed_offset):
            deliver()
        if self._commits or self._settings.flush == "commit":
            self._sync(log, context)
        self._wake_readers(log, context)

    # --- reading -----------------------------------------------------------------------------------------------

    @receives(Fetch)
    def on_fetch(self, fetch: Fetch, context: Context) -> None:
        """Answer with batches, or wait for some if there are none yet."""
        log = self._opened(fetch.request, context)
        if log is None:
            return
        is_at_end = self._end_for(log, fetch) <= fetch.offset <= log.end_offset
        if not is_at_end or fetch.wait_us <= 0 or self._parked.is_full:
            self._answer_fetch(log, context, context.sender, fetch)
            return
        number = self._parked.next_number()
        timer = context.schedule(fetch.wait_us, FetchExpired(number))
        self._parked.park(number, Parked(context.sender, fetch, timer))

    @receives(FetchExpired)
    def on_fetch_expired(self, expired: FetchExpired, context: Context) -> None:
        """Answer a reader that waited long enough with nothing."""
        parked = self._parked.expire(expired.number)
        if parked is not None and self._log is not None:
            self._answer_fetch(self._log, context, parked.reader, parked.fetch)

    def _wake_readers(self, log: PartitionLog, context: Context) -> None:
        if not self._parked:
            return
        ready = self._parked.take_ready(
            self._stable_offset(log), self._high_watermark(log), reads_committed=self._spec.reads_committed
        )
        for parked in ready:
            self._answer_fetch(log, context, parked.reader, parked.fetch)

    def _answer_fetch(self, log: PartitionLog, context: Context, reader: Ref, fetch: Fetch) -> None:
        try:
            context.send(reader, self._fetched(log, fetch))
        except ActorstreamError as error:
            context.send(reader, refusal(fetch.request, error))

    def _fetched(self, log: PartitionLog, fetch: Fetch) -> Fetched:
        read = log.read(
            fetch.offset, max(0, min(fetch.max_bytes, FETCH_BYTES_MAX)), end_offset=self._end_for(log, fetch)
        )
        committed = fetch.committed or self._spec.reads_committed
        aborted = log.producers.aborted_within(fetch.offset, read.next_offset) if committed and read.batches else ()
        return Fetched(
            self._spec.name,
            self._number,
            read.batches,
            read.next_offset,
            aborted,
            log.start_offset,
            self._high_watermark(log),
            self._stable_offset(log),
            fetch.request,
        )

    @receives(ListOffsets)
    def on_list_offsets(self, asked: ListOffsets, context: Context) -> None:
        """Say where the log begins and ends, and where a time is."""
        log = self._opened(asked.request, context)
        if log is None:
            return
        high_watermark = self._high_watermark(log)
        try:
            at = -1 if asked.timestamp_ms is None else log.offset_at(asked.timestamp_ms)
        except ActorstreamError as error:
            context.reply(refusal(asked.request, error))
            return
        at = at if at < high_watermark else -1
        context.reply(OffsetsListed(log.start_offset, high_watermark, self._stable_offset(log), at, asked.request))

    def _end_for(self, log: PartitionLog, fetch: Fetch) -> int:
        committed = fetch.committed or self._spec.reads_committed
        return self._stable_offset(log) if committed else self._high_watermark(log)

    def _high_watermark(self, log: PartitionLog) -> int:
        """The end of what any reader may see."""
        return log.flushed_offset if self._settings.flush == "commit" else log.end_offset

    def _stable_offset(self, log: PartitionLog) -> int:
        """The end of what a reader of committed records may see."""
        return log.producers.last_stable_offset(self._high_watermark(log))

    # --- the rest ----------------------------------------------------------------------------------------------

    @receives(Configure)
    def on_configure(self, configure: Configure, context: Context) -> None:
        """The topic changed."""
        self._spec = configure.spec
        self._drop_expired(context)

    def _drop_expired(self, context: Context) -> None:
        """Remove segments that are older than the topic keeps."""
        if self._log is not None and self._spec.retention_us is not None:
            oldest_ms = (context.now() - self._spec.retention_us) // 1000
            self._log.trim_older(oldest_ms, self._stable_offset(self._log))

    @property
    def _name(self) -> str:
        return f"{self._spec.name}-{self._number}"

    def _opened(self, request: int, context: Context) -> PartitionLog | None:
        """The log; if it could not be opened, the asker is told why."""
        if self._log is None and isinstance(self._damage, DiskFull):
            self._open(context)  # Somebody may have made room.
        if self._log is None:
            assert self._damage is not None, "asked before it was opened"
            context.reply(refusal(request, self._damage))
        return self._log


def _markers(log: PartitionLog, asked: WriteMarkers) -> list[tuple[int, int, bool]]:
    """(producer id, epoch, commit) for each of the producers that has an open transaction.

    Raises:
        Fenced: a newer epoch's transaction is open.
    """
    markers = []
    limits = asked.last_offsets or (log.end_offset,) * len(asked.producers)
    for (producer_id, epoch), last_offset in zip(asked.producers, limits, strict=True):
        producer = log.producers.open_transaction(producer_id)
        if producer is None or producer.batches[-1].last_offset > last_offset:
            continue
        if producer.epoch > epoch:
            raise Fenced(f"producer {producer_id}: epoch {producer.epoch} took over from {epoch}")
        markers.append((producer_id, epoch, asked.commit))
    return markers


def _synced(work: Callable[[], None], offset: int) -> Synced:
    work()
    return Synced(offset)


def _itself(synced: Synced) -> Message:
    return synced


def _delivery(context: Context, asker: Ref, answer: Message) -> Deliver:
    return lambda: context.send(asker, answer)
