"""`Consumer`: reads the committed records of one topic.

Guarantees: records of one partition come in order of offset, each once; nothing undecided or aborted is seen. With a
group, a record is committed only after iteration has gone on past it, so that none is lost when the reader fails.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, NamedTuple, Self

from actorstream.errors import ActorstreamError, BadInput, PlanError
from actorstream.log.answers import answer_of
from actorstream.log.decoder import Decoded, TopicDecoder
from actorstream.log.fetcher import Fetcher
from actorstream.log.messages import (
    CommitOffsets,
    Fetched,
    FetchOffsets,
    ListOffsets,
    OffsetsCommitted,
    OffsetsFetched,
    OffsetsListed,
)
from actorstream.log.patience import Patience
from actorstream.log.reaching import DEFAULT_DATA
from actorstream.log.records import Headers
from actorstream.log.topics import find_topic, topic_name
from actorstream.log.transport import Transport, ask
from actorstream.model.instant import EPOCH
from actorstream.model.keys import decode_topic_key
from actorstream.model.topic import Topic, TopicPartition, TopicSpec

STARTS = ("earliest", "latest")


class ConsumerRecord(NamedTuple):
    """One record as it was read. `value` is None where the record has none: its key was deleted."""

    value: Any
    key: Any
    offset: int
    partition: int
    timestamp: datetime  # aware, UTC
    headers: Headers
    topic: str


class Consumer:
    """Reads the committed records of one topic, partition by partition in turns; a context manager.

    Args:
        topic: declared (values have its type), or its name (values are dicts, lists, strings and so on).
        data: the data directory; held by this process, or by another one that is then asked.
        group: remembers where it was; the next consumer of the group goes on there.
        start: where to begin what the group has not read: "earliest" or "latest".
        follow: whether to wait for more at the end of the log. Otherwise iteration ends where the log ended when it
            began; iterating again goes on from there.
        transport: a way to the log, in place of `data`.

    Raises:
        UnknownTopic: there is no such topic.
        BadInput: there is no such data directory.
    """

    def __init__(
        self,
        topic: Topic[Any] | str,
        *,
        data: str | os.PathLike[str] = DEFAULT_DATA,
        group: str | None = None,
        start: str = "earliest",
        follow: bool = False,
        transport: Transport | None = None,
    ) -> None:
        if start not in STARTS:
            raise PlanError(f"start is {start!r}; use one of {', '.join(STARTS)}")
        if group == "":
            raise PlanError("a group needs a name")
        self._group, self._follow = group, follow
        self._decoder = TopicDecoder(None if isinstance(topic, str) else topic.type, with_headers=True)
        self._current: ConsumerRecord | None = None  # Given out; whether it was dealt with, the next step tells.
        self._is_closed = False
        self._log = Patience(data, create=False, given=transport, on_replaced=self._on_replaced)
        self._fetcher: Fetcher | None = None
        try:
            self._spec = self._log.keep_trying(lambda: find_topic(self._log.transport, topic_name(topic)))
            self._positions = self._first_positions(start)
            self._committed = dict(self._positions)
        except BaseException:
            self._log.close()
            raise

    @property
    def topic(self) -> TopicSpec:
        """The topic, as the log remembers it."""
        return self._spec

    @property
    def positions(self) -> dict[int, int]:
        """By partition, the offset of the next record."""
        return dict(self._positions)

    def __iter__(self) -> Iterator[ConsumerRecord]:
        """The records from where the last iteration ended.

        Raises:
            BadInput: a value does not fit the topic's type; names topic, partition and offset.
            OffsetOutOfRange: the records where the group was are no longer there.
            Corrupt: the log is damaged; names file and position.
        """
        self._check_open()
        self._pass_current()
        ends = None if self._follow else self._ends()
        self._fetcher = fetcher = Fetcher(self._log, self._spec.name, self._positions, ends)
        for answer in fetcher.answers():
            end_offset = answer.next_offset if ends is None else min(answer.next_offset, ends[answer.partition])
            yield from self._records(answer, end_offset)
            self._pass_current()
            self._positions[answer.partition] = max(self._positions[answer.partition], end_offset)
            self._commit_passed()

    def _records(self, answer: Fetched, end_offset: int) -> Iterator[ConsumerRecord]:
        for batch in self._decoder.decode(answer, self._positions[answer.partition], end_offset):
            for record in _as_records(batch, answer):
                self._pass_current()
                self._current = record
                yield record

    def commit(self) -> None:
        """Remember, durably, that all records given out so far were dealt with.

        Raises:
            PlanError: the consumer has no group.
            ActorstreamError: it could not be remembered.
        """
        self._check_open()
        if self._group is None:
            raise PlanError("commit needs a group: Consumer(topic, group=...)")
        self._pass_current()
        self._commit_passed()

    def close(self) -> None:
        """Commit what was given out, if there is a group, and let go; nothing if that was done.

        Raises:
            ActorstreamError: it could not be committed.
        """
        if self._is_closed:
            return
        try:
            self._pass_current()
            self._commit_passed()
        finally:
            self._is_closed = True
            self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        self._current = None  # It was not dealt with: the group reads it again.
        with suppress(ActorstreamError):  # The first error is the one to see.
            self.close()

    # --- inside ------------------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._is_closed:
            raise BadInput("the consumer is closed")

    def _pass_current(self) -> None:
        """Whoever iterates came back, so the record given out last was dealt with."""
        if self._current is not None:
            self._positions[self._current.partition] = self._current.offset + 1
            self._current = None

    def _commit_passed(self) -> None:
        """Commit what is not yet, if there is a group."""
        changed = [at for at in self._positions.items() if self._committed[at[0]] != at[1]]
        if self._group is None or not changed:
            return
        asked = CommitOffsets(self._group, tuple((self._spec.name, partition, offset) for partition, offset in changed))
        self._log.keep_trying(lambda: ask(self._log.transport, "groups", asked, OffsetsCommitted))
        self._committed.update(changed)

    def _first_positions(self, start: str) -> dict[int, int]:
        found = {}
        if self._group is not None:
            asked = FetchOffsets(self._group)
            offsets = self._log.keep_trying(lambda: ask(self._log.transport, "groups", asked, OffsetsFetched)).offsets
            found = {partition: offset for topic, partition, offset in offsets if topic == self._spec.name}
        listed = self._listed()
        begin = {
            partition: at.log_start if start == "earliest" else at.last_stable_offset
            for partition, at in listed.items()
        }
        return {partition: found.get(partition, offset) for partition, offset in begin.items()}

    def _ends(self) -> dict[int, int]:
        return {partition: at.last_stable_offset for partition, at in self._listed().items()}

    def _listed(self) -> dict[int, OffsetsListed]:
        """Where each partition begins and ends."""

        def listed() -> dict[int, OffsetsListed]:
            transport, places = self._log.transport, range(self._spec.partitions)
            answers = [transport.ask_future(TopicPartition(self._spec.name, at), ListOffsets()) for at in places]
            return {at: answer_of(transport.wait(answer), OffsetsListed) for at, answer in enumerate(answers)}

        return self._log.keep_trying(listed)

    def _on_replaced(self) -> None:
        if self._fetcher is not None:
            self._fetcher.forget()


def _as_records(batch: Decoded, answer: Fetched) -> list[ConsumerRecord]:
    assert batch.headers is not None
    times = [EPOCH + timedelta(milliseconds=at) for at in batch.timestamps_ms]
    keys = map(decode_topic_key, batch.keys)
    columns = zip(batch.values, keys, batch.offsets, times, batch.headers, strict=True)
    return [
        ConsumerRecord(value, key, offset, answer.partition, time, headers, answer.topic)
        for value, key, offset, time, headers in columns
    ]
