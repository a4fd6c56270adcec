"""The actor that remembers where groups of consumers are.

Guarantees: a commit is answered when it is durable; the latest one of each partition wins. Leaves to others: who is in
a group and who reads what.

It keeps offsets as entries in the internal topic `__consumer_offsets`, and writes that anew when it has grown, so that
it holds little more than what is true now.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from actorstream.actors import Actor, Context, Crash, ExitReason, Message, receives
from actorstream.errors import ActorstreamError, Corrupt, DiskFull, TopicMismatch, UnsupportedFormat
from actorstream.log.commit_queue import CommitQueue
from actorstream.log.internal_log import INTERNAL_SEGMENT_BYTES_MAX, InternalLog
from actorstream.log.loss import report_loss
from actorstream.log.messages import (
    CommitOffsets,
    FetchOffsets,
    GroupsListed,
    ListGroups,
    OffsetsCommitted,
    OffsetsFetched,
)
from actorstream.log.refusals import refusal
from actorstream.log.settings import LogSettings

OFFSETS_TOPIC = "__consumer_offsets"
OFFSETS_MAX = 200_000
"""The most offsets that are remembered, of all groups together."""

REWRITE_ENTRIES = 1000
"""So many offsets go into one batch when the log is written anew."""


class OffsetsEntry(msgspec.Struct, frozen=True, tag="offsets", array_like=True):
    """Where a group is, in some partitions."""

    group: str
    offsets: tuple[tuple[str, int, int], ...]


class ForgottenEntry(msgspec.Struct, frozen=True, tag="forgotten", array_like=True):
    """A topic was deleted: no group is anywhere in it."""

    topic: str


Entry = OffsetsEntry | ForgottenEntry


class ForgetTopic(Message):
    """The catalogue's: the topic was deleted."""

    topic: str


class GroupsSynced(Message):
    """A sync ended: everything below `offset` is durable."""

    offset: int


GroupMessage = CommitOffsets | FetchOffsets | ListGroups | ForgetTopic | GroupsSynced


class GroupCoordinator(Actor, accepts=GroupMessage):
    """See the module."""

    def __init__(self, settings: LogSettings, *, segment_bytes_max: int = INTERNAL_SEGMENT_BYTES_MAX) -> None:
        self._settings = settings
        self._segment_bytes_max = segment_bytes_max
        self._groups: dict[str, dict[tuple[str, int], int]] = {}
        self._commits = CommitQueue()
        self._log: InternalLog | None = None
        self._damage: ActorstreamError | None = None

    def started(self, context: Context) -> None:
        """Read what is known; if it cannot be read, every question is answered with the reason."""
        try:
            self._log = InternalLog(
                context.host.disk, self._settings.directory, OFFSETS_TOPIC, segment_bytes_max=self._segment_bytes_max
            )
            for entry in self._log.entries(Entry):
                self._apply(entry)
        except (Corrupt, UnsupportedFormat) as error:
            context.log.error("group offsets cannot be read", reason=str(error))
            self._damage = error

    def stopped(self, context: Context, reason: ExitReason) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close(clean=self._damage is None and not isinstance(reason, Crash))
        report_loss(reason, self._settings.supervisor, context)

    def observe(self) -> dict[str, object]:
        """How many groups there are."""
        return {"groups": len(self._groups)}

    def _apply(self, entry: Entry) -> None:
        if isinstance(entry, OffsetsEntry):
            known = self._groups.setdefault(entry.group, {})
            known.update({(topic, partition): offset for topic, partition, offset in entry.offsets})
            return
        for known in self._groups.values():
            for place in [place for place in known if place[0] == entry.topic]:
                del known[place]

    @receives(CommitOffsets)
    def on_commit(self, commit: CommitOffsets, context: Context) -> None:
        """Remember, and answer when it is durable."""
        try:
            self._check_damage()
            self._check(commit)
            end_offset = self._write(OffsetsEntry(commit.group, commit.offsets), context)
        except ActorstreamError as error:
            context.reply(refusal(commit.request, error))
            return
        asker = context.sender
        self._commits.wait(end_offset, lambda: context.send(asker, OffsetsCommitted(commit.request)))
        self._sync(context)

    @receives(FetchOffsets)
    def on_fetch(self, asked: FetchOffsets, context: Context) -> None:
        """Where a group is."""
        if self._damage is not None:
            context.reply(refusal(asked.request, self._damage))
            return
        known = self._groups.get(asked.group, {})
        offsets = tuple(sorted((topic, partition, offset) for (topic, partition), offset in known.items()))
        context.reply(OffsetsFetched(offsets, asked.request))

    @receives(ListGroups)
    def on_list(self, asked: ListGroups, context: Context) -> None:
        """The names of all groups."""
        context.reply(GroupsListed(tuple(sorted(self._groups)), asked.request))

    @receives(ForgetTopic)
    def on_forget(self, forget: ForgetTopic, context: Context) -> None:
        """A topic made again under this name begins at 0, and so do its readers."""
        if any(topic == forget.topic for known in self._groups.values() for topic, _ in known):
            try:
                self._write(ForgottenEntry(forget.topic), context)
            except DiskFull:
                self._apply(ForgottenEntry(forget.topic))
                context.log.warning("disk full, offsets of a deleted topic are forgotten only now", topic=forget.topic)
                return
            self._sync(context)

    def _check_damage(self) -> None:
        if self._damage is not None:
            raise self._damage

    def _check(self, commit: CommitOffsets) -> None:
        known = sum(len(offsets) for offsets in self._groups.values())
        if known + len(commit.offsets) > OFFSETS_MAX:
            raise TopicMismatch(f"{known} offsets of groups are remembered; {OFFSETS_MAX} is the most")
        if not commit.group or any(offset < 0 for _, _, offset in commit.offsets):
            raise TopicMismatch(f"group {commit.group!r} cannot commit {commit.offsets}")

    def _write(self, entry: Entry, context: Context) -> int:
        """Append an entry; the offset that must be durable for it to be."""
        assert self._log is not None
        end_offset = self._log.write([entry], context.now())
        self._apply(entry)
        if self._log.has_sealed:
            self._log.rewrite(self._all(), context.now())
        return end_offset

    def _all(self) -> list[Entry]:
        entries: list[Entry] = []
        for group, known in self._groups.items():
            rows = [(topic, partition, offset) for (topic, partition), offset in known.items()]
            for first in range(0, len(rows), REWRITE_ENTRIES):
                entries.append(OffsetsEntry(group, tuple(rows[first : first + REWRITE_ENTRIES])))
        return entries

    def _sync(self, context: Context) -> None:
        """Begin a sync, unless one is under way: then its end begins the next."""
        assert self._log is not None
        for deliver in self._commits.release(self._log.flushed_offset):
            deliver()
        if self._commits and self._commits.begin():
            work, offset = self._log.flush_work()
            context.background(lambda: _synced(work, offset), _itself)

    @receives(GroupsSynced)
    def on_synced(self, synced: GroupsSynced, context: Context) -> None:
        """Answer who waited."""
        assert self._log is not None
        self._log.flushed(synced.offset)
        for deliver in self._commits.synced(self._log.flushed_offset):
            deliver()
        self._sync(context)


def _synced(work: Callable[[], None], offset: int) -> GroupsSynced:
    work()
    return GroupsSynced(offset)


def _itself(synced: GroupsSynced) -> Message:
    return synced
