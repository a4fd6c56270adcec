"""Reading several partitions at once: one fetch under way at each, the next sent before the last is looked at.

Guarantees: the answers of one partition come in order, without a gap. A partition is done when it was read to its end,
if there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

from actorstream.actors import Message
from actorstream.errors import AskTimeout
from actorstream.log.answers import answer_of
from actorstream.log.messages import Fetch, Fetched
from actorstream.log.patience import Patience
from actorstream.model.topic import TopicPartition

FETCH_BYTES = 1 << 20
WAIT_US = 2_000_000
"""How long a fetch at the end of the log waits; then it is sent again."""

SLACK_US = 30_000_000
"""How much longer than that an answer may take."""


class Fetcher:
    """See the module. `positions` are where to begin, `ends` where to end (None: never)."""

    def __init__(self, log: Patience, topic: str, positions: dict[int, int], ends: dict[int, int] | None) -> None:
        self._log, self._topic, self._ends = log, topic, ends
        self._next = {at: offset for at, offset in positions.items() if ends is None or offset < ends[at]}
        self._under_way: dict[int, Future[Message]] = {}

    def answers(self) -> Iterator[Fetched]:
        """What comes, partition by partition in turns; ends when all partitions are done.

        Raises:
            ActorstreamError: a partition cannot be read.
        """
        while self._next:
            answer = self._log.keep_trying(self._take, before_again=self.forget)
            if answer.batches or self._is_done(answer):
                yield answer

    def forget(self) -> None:
        """Nothing that is under way will be answered; ask again."""
        self._under_way.clear()

    def _take(self) -> Fetched:
        """The next answer; the fetch after it is under way."""
        for partition in self._next:
            self._ask(partition)
        self._log.transport.wait_any(self._under_way.values())
        answered = [at for at, answer in self._under_way.items() if answer.done()]
        if not answered:
            raise AskTimeout(f"{self._topic}: none of its partitions answers")
        partition = answered[0]
        answer = answer_of(self._log.transport.wait(self._under_way[partition]), Fetched)
        del self._under_way[partition]  # The next of this partition comes after what waits of the others.
        self._next[partition] = answer.next_offset
        if self._is_done(answer):
            del self._next[partition]
        else:
            self._ask(partition)
        return answer

    def _ask(self, partition: int) -> None:
        if partition not in self._under_way:
            fetch = Fetch(self._next[partition], max_bytes=FETCH_BYTES, wait_us=WAIT_US)
            place = TopicPartition(self._topic, partition)
            self._under_way[partition] = self._log.transport.ask_future(place, fetch, WAIT_US + SLACK_US)

    def _is_done(self, answer: Fetched) -> bool:
        return self._ends is not None and answer.next_offset >= self._ends[answer.partition]
