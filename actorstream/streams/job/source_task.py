"""A task that reads one split of a source: event time, idleness, positions."""

from __future__ import annotations

from typing import Any

from actorstream.actors import Context, receives
from actorstream.log.client import Fetch, TopicDecoder, partition_ref
from actorstream.model.instant import END_OF_TIME, START_OF_TIME, Instant
from actorstream.streams.connector import Chunk
from actorstream.streams.engine.guard import Guard
from actorstream.streams.engine.timeline import Timeline
from actorstream.streams.job import messages as m
from actorstream.streams.job.decoding import without_bad
from actorstream.streams.job.elements import Loaded, Mark
from actorstream.streams.job.feeds import ROWS_MAX, ROWS_MIN, Feed, ReaderFeed, TopicFeed
from actorstream.streams.job.idleness import Idleness
from actorstream.streams.job.pacing import Place, meeting
from actorstream.streams.job.pending import Pending
from actorstream.streams.job.spec import TaskSpec
from actorstream.streams.job.task import Task
from actorstream.streams.job.task_messages import TaskMessage
from actorstream.streams.plan.nodes import Source

_RETRY_US = 100_000  # After a read of a connector that gave nothing.


class SourceTask(Task, accepts=TaskMessage | m.Go | m.Pace | m.Read | m.Trigger):
    """See `task`."""

    def furnish(self, spec: TaskSpec) -> None:
        super().furnish(spec)
        assert isinstance(spec.task.head, Source)
        self.source: Source = spec.task.head
        self.feed: Feed = self._feed()
        self.timeline = Timeline(self.source, self.feed.origin)
        self._idleness = Idleness(self.source.idle_us)
        self._may_start = False
        self._asked = False
        self._told_loaded = False
        self._told_end = False
        self._sent_mark: Instant = START_OF_TIME
        self._table_end = 0
        self._place = Place(spec.job.settings.max_drift_us)
        self._is_paced = any(spec.task.name in group for group in meeting(spec.job.plan))

    def _feed(self) -> Feed:
        source, instance = self.source, self.spec.instance
        if source.topic is not None:
            decoder = TopicDecoder(source.topic.type, keep_bad=self._leaves_out())
            return TopicFeed(source.topic.name, instance, decoder, source.name, end=None)
        return ReaderFeed(source.connector, source.name, source.columns, keep_bad=self._leaves_out())

    def _leaves_out(self) -> bool:
        """Whether records that cannot be decoded are left out."""
        return self.source.on_error is not None and self.source.on_error.end != "fail"

    # --- epochs ----------------------------------------------------------------------------------------------------

    def begin(self, context: Context, prepare: m.Prepare) -> None:
        saved: dict[str, Any] = prepare.restore.sources.get(self.spec.id, {})
        feed = self.feed
        if isinstance(feed, TopicFeed):
            self._table_end = prepare.ends[self.spec.id]
            feed.end = self._table_end if self.spec.job.settings.until else None
            feed.start = self._table_end if self.source.start == "latest" else 0
            self.watch(context, self._input())
        feed.seek(saved.get("position"))
        self.timeline.latest = saved.get("latest", START_OF_TIME)
        self._idleness.begin()
        self._sent_mark = START_OF_TIME
        self._asked = self._told_loaded = self._told_end = False
        self._may_start = not self.spec.task.waits_for
        self._place = Place(self.spec.job.settings.max_drift_us)

    def go(self, context: Context) -> None:
        self._send_mark()
        self._report(context)
        self.pump(context)

    @receives(m.Go)
    def on_go(self, go: m.Go, context: Context) -> None:
        """The tables that this source waited for have been read."""
        if go.epoch == self.epoch:
            self._may_start = True
            self.work(context)

    def watermark(self) -> Instant:
        return END_OF_TIME if self.ended else self.timeline.watermark

    # --- work ------------------------------------------------------------------------------------------------------

    def step(self, context: Context) -> bool:
        if not self._may_start or self.ended or self._place.is_held(self.timeline.watermark):
            return False
        self.feed.rows_max = self._rows_max()
        self._read_on(context)
        taken = self.feed.take()
        if taken is None:
            self._at_end(context)
            return False
        self._read_ahead(context)
        batch, log_times = taken
        self.dirty(context)
        if self._leaves_out():
            batch, log_times = without_bad(batch, log_times, self._guard(context))
        guard = self._guard(context) if self._leaves_out() else None
        self._idleness.arrived(context.now())
        self.records_in += len(batch)
        batch = self.timeline.stamp(batch, log_times, guard)
        self.push(context, batch, self.stages.head.push)
        self.once_through(self._advance)
        self.once_through(lambda: self._stepped(context))
        return True

    def _guard(self, context: Context) -> Guard:
        return Guard(self.stages.head, self.source.name, self.source.on_error, context.now)

    def _advance(self) -> None:
        if self.timeline.watermark > self._sent_mark:
            self.stages.head.advance(self.timeline.watermark)

    def _stepped(self, context: Context) -> None:
        self._send_mark()
        self._report(context)
        self._at_end(context)

    def _rows_max(self) -> int:
        """Half the smallest window of the receivers, so that while one batch is processed the next is on its way."""
        window = self.outlets.window_records()
        return ROWS_MAX if window is None else min(max(window // 2, ROWS_MIN), ROWS_MAX)

    def _send_mark(self, *, idle: bool = False) -> None:
        watermark = self._idleness.watermark(self.timeline.watermark) if idle else self.timeline.watermark
        if idle or self._idleness.was_idle() or watermark > self._sent_mark:
            self._sent_mark = watermark  # Lower than before when an idle split goes on: it binds again from there.
            self.outlets.offer(Mark(watermark, idle))

    def _at_end(self, context: Context) -> None:
        """Say once each that the table is loaded, that the input has ended, that what was there is read."""
        feed = self.feed
        if self.spec.task.feeds_table and not self._told_loaded:
            reached = feed.has_reached(self._table_end) if isinstance(feed, TopicFeed) else feed.is_at_end()
            if reached:
                self._told_loaded = True
                self.outlets.offer(Loaded())
                self.pump(context)
        if not feed.is_at_end() or self._told_end:
            return
        self._told_end = True
        self._report(context)
        bounded = not isinstance(feed, TopicFeed) or self.spec.job.settings.until == "end"
        if bounded:
            self.dirty(context)
            self.stages.head.advance(END_OF_TIME)
            self.after(context)
            self.once_through(lambda: self.finish(context))
        else:
            context.send(context.parent, m.AtEnd(self.epoch, self.spec.id, ended=False))

    # --- reading ---------------------------------------------------------------------------------------------------

    def _read_on(self, context: Context) -> None:
        if self._asked or not self.feed.wants_more():
            return
        if isinstance(self.feed, TopicFeed):
            self._fetch(context, self.feed)
        elif isinstance(self.feed, ReaderFeed):
            self._read(context, self.feed)

    def _read_ahead(self, context: Context) -> None:
        """Let the next be read beside what is processed now."""
        if isinstance(self.feed, ReaderFeed) and self.feed.blocks:
            self._read_on(context)

    def _input(self) -> Any:
        assert self.source.topic is not None
        return partition_ref(self.source.topic.name, self.spec.instance)

    def _fetch(self, context: Context, feed: TopicFeed) -> None:
        self._asked = True
        settings = self.spec.job.settings
        question = Fetch(feed.next_fetch, max_bytes=settings.fetch_bytes_max, wait_us=settings.fetch_wait_us)

        def answered(answer: Any) -> None:
            self._asked = False
            if not feed.fetched(answer) and feed.is_silent():
                self._silent(context)
            self.work(context)

        self.questions.ask(context, self._input(), question, answered)

    def _read(self, context: Context, feed: ReaderFeed) -> None:
        if not feed.blocks:
            if not feed.was_read(feed.read()):
                self._nothing_read(context, feed)
            return
        self._asked = True
        epoch = self.epoch
        context.background(feed.read, lambda chunk: m.Read(epoch, chunk))

    @receives(m.Read)
    def on_read(self, read: m.Read, context: Context) -> None:
        """A blocking reader has read."""
        if read.epoch != self.epoch:
            return
        self._asked = False
        feed = self.feed
        assert isinstance(feed, ReaderFeed)
        assert read.chunk is None or isinstance(read.chunk, Chunk)
        if not feed.was_read(read.chunk):
            self._nothing_read(context, feed)
        self.work(context)

    def _nothing_read(self, context: Context, feed: ReaderFeed) -> None:
        if not feed.is_at_end():
            self._silent(context)
            self._asked = True
            context.schedule(_RETRY_US, m.Tick(self.epoch))

    @receives(m.Tick)
    def on_tick(self, tick: m.Tick, context: Context) -> None:
        """Look again whether a reader that had nothing has something now."""
        if tick.epoch == self.epoch:
            self._asked = False
            self.work(context)

    def _silent(self, context: Context) -> None:
        """The split was read to its end, and nothing has come since the last look."""
        if self.spec.job.settings.idle and self._idleness.is_idle(context.now()):
            self.stages.head.advance(self._idleness.watermark(self.timeline.watermark))
            self.once_through(lambda: self._send_mark(idle=True))
            self._report(context)
            self.after(context)

    # --- pace ------------------------------------------------------------------------------------------------------

    def _report(self, context: Context) -> None:
        """Tell how far this split is, if that is news."""
        holds_nobody = self._told_end or self._idleness.since is not None or self.timeline.latest == START_OF_TIME
        watermark = None if holds_nobody else self.timeline.watermark
        if self._is_paced and self._place.report(watermark):
            context.send(context.parent, m.Moved(self.epoch, self.spec.id, watermark))

    @receives(m.Pace)
    def on_pace(self, pace: m.Pace, context: Context) -> None:
        """Others are so far: wait for them, or go on."""
        if pace.epoch != self.epoch:
            return
        was_held = self._place.is_held(self.timeline.watermark)
        self._place.limit = pace.limit
        if was_held and not self._place.is_held(self.timeline.watermark):
            self._idleness.asked_again(context.now())
            self.work(context)

    def time_state(self, now: Instant) -> tuple[str, int]:
        if self.ended or self._told_end or self._idleness.since is not None:
            return m.IDLE, 0
        if not self._may_start:
            return m.WAITING, 0
        if self._place.is_held(self.timeline.watermark):
            return m.AHEAD, 0
        feed = self.feed
        is_silent = feed.is_silent() if isinstance(feed, TopicFeed) else feed.is_at_end()
        return (m.SILENT, self._idleness.wait_us(now)) if is_silent else (m.BEHIND, 0)

    # --- checkpoints -----------------------------------------------------------------------------------------------

    @receives(m.Trigger)
    def on_trigger(self, trigger: m.Trigger, context: Context) -> None:
        """Begin a checkpoint."""
        if trigger.epoch == self.epoch and self.running:
            self.once_through(lambda: self.barrier(context, trigger.checkpoint))

    def describe(self, context: Context, pending: Pending) -> None:
        saved: dict[str, Any] = {"position": self.feed.position(), "latest": self.timeline.latest}
        if self._idleness.since is not None:
            saved["idle"] = {"since": self._idleness.since, "watermark": self._sent_mark}
        pending.sources[self.spec.id] = saved
        feed = self.feed
        if isinstance(feed, TopicFeed):
            self.wait_for_input(context, pending, self._input(), feed.position())

    def close(self) -> None:
        self.feed.close()
        super().close()
