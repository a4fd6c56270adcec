"""A whole cluster in memory, under virtual time: the log, and a job over it. For tests, and for `collect`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from actorstream.actors import ActorSystem, Ref
from actorstream.errors import ActorstreamError, ActorTerminated, AskTimeout, JobFailed, TopicMismatch
from actorstream.host import Entropy, Host, MemoryDisk, VirtualClock
from actorstream.log.client import (
    Append,
    ConsumerRecord,
    CreateTopic,
    DescribeTopics,
    Fetch,
    Fetched,
    Refused,
    TopicDecoder,
    catalogue_ref,
    encode_records,
    encode_topic_key,
    encode_value,
    encode_values,
    partition_for_key,
    partition_ref,
    start_log,
)
from actorstream.model.instant import to_instant
from actorstream.model.topic import Topic, TopicSpec
from actorstream.streams import checks
from actorstream.streams.engine.failure import reported
from actorstream.streams.job.coordinator import Coordinator
from actorstream.streams.job.spec import JobSpec

ASK_WITHIN = "60s"
ASK_TIMES_MAX = 20
STEPS_BETWEEN_ASKS = 50

Flush = Literal["none", "interval", "commit"]
"""When the log makes an append durable."""

STEP_US = (1, 500)

_UNSET = object()

_Entry = tuple[int, bytes | None, bytes | None]  # (milliseconds, key, value) of a record


class Outcome:
    """How a job ended; told by its coordinator."""

    def __init__(self) -> None:
        self._result: object = _UNSET

    def report(self, error: object) -> None:
        """The job has ended; `error` is None if all went well."""
        self._result = error

    @property
    def is_known(self) -> bool:
        """Whether the job has ended."""
        return self._result is not _UNSET

    @property
    def error(self) -> object:
        """What the job failed with; None if it did not, or goes on."""
        return None if self._result is _UNSET else self._result

    def raise_error(self) -> None:
        """Raise what the job failed with, if it failed."""
        if isinstance(self._result, BaseException):
            raise reported(self._result)


class MemoryCluster:
    """A log in memory and whatever runs over it, driven step by step.

    Args:
        host: to go on with an earlier cluster's clock and disk; by default fresh ones.
        seed: of the order of events; None: first come, first served.
        flush: of the log; "none" loses most when a host crashes.
        step_us: how far one step moves virtual time, from and to.
        nodes: simulated nodes beside the one of the log, for the tasks of jobs.
        programs: what makes the plan of each job that these nodes know, by its name.
    """

    def __init__(
        self,
        *,
        host: Host | None = None,
        seed: int | None = None,
        segment_bytes_max: int = 1 << 30,
        flush: Flush = "none",
        step_us: tuple[int, int] = STEP_US,
        nodes: int = 0,
        programs: Mapping[str, Callable[[], Any]] | None = None,
    ) -> None:
        self.host = host or Host(VirtualClock(), Entropy(seed or 0), MemoryDisk())
        self.system = ActorSystem(nodes, runtime="simulation", seed=seed, host=self.host, step_us=step_us)
        if nodes:
            self.system.world.programs.update(programs or {})
        start_log(self.system, flush=flush, segment_bytes_max=segment_bytes_max)

    def ask(self, ref: Ref, question: Any) -> Any:
        """Ask an actor of the log.

        Raises:
            JobFailed: it refused.
        """
        for _ in range(ASK_TIMES_MAX):
            try:
                answer = self.system.ask(ref, question, timeout=ASK_WITHIN)
            except (ActorTerminated, AskTimeout):
                self.system.run(steps_max=STEPS_BETWEEN_ASKS)  # It was crashed on purpose; it comes back.
                continue
            if not isinstance(answer, Refused):
                return answer
            raise JobFailed(f"{ref.path}: {answer.reason}")
        raise JobFailed(f"{ref.path} does not answer")

    def write(self, topic: Topic[Any], values: Sequence[Any], *, batch_records: int = 1 << 16) -> None:
        """Create a topic and append values to it, as a producer would, so many records a batch."""
        get_key = None if topic.key is None else checks.getter(topic.key)
        keys = [None if get_key is None else encode_topic_key(get_key(value)) for value in values]
        by_partition: dict[int, list[_Entry]] = {}
        now_ms = self.host.clock.now_us() // 1000
        for place, (key, value) in enumerate(zip(keys, encode_values(values), strict=True)):
            partition = place % topic.partitions if key is None else partition_for_key(key, topic.partitions)
            by_partition.setdefault(partition, []).append((now_ms, key, value))
        self._append(topic, by_partition, batch_records)

    def copy(self, topic: Topic[Any], records: Iterable[ConsumerRecord]) -> None:
        """Create a topic and append records of another log: to their partitions, with their keys and timestamps.

        Raises:
            TopicMismatch: they lie in more partitions than the program declares.
        """
        by_partition: dict[int, list[_Entry]] = {}
        for record in records:
            key = None if record.key is None else encode_topic_key(record.key)
            value = None if record.value is None else encode_value(record.value)
            entry = to_instant(record.timestamp) // 1000, key, value
            by_partition.setdefault(record.partition, []).append(entry)
        if max(by_partition, default=0) >= topic.partitions:
            raise TopicMismatch(
                f"topic {topic.name!r} has at least {max(by_partition) + 1} partitions, and the program declares "
                f"{topic.partitions}; declare as many as it has"
            )
        self._append(topic, by_partition, 1 << 16)

    def _append(self, topic: Topic[Any], by_partition: dict[int, list[_Entry]], batch_records: int) -> None:
        spec = TopicSpec(topic.name, topic.partitions, compacted=topic.compacted)
        self.ask(catalogue_ref(), CreateTopic(spec))
        for partition, every in sorted(by_partition.items()):
            for start in range(0, len(every), batch_records):
                times, keys, values = zip(*every[start : start + batch_records], strict=True)
                self.ask(partition_ref(topic.name, partition), Append(encode_records(times, keys, values)))

    def read(self, topic: Topic[Any]) -> list[list[tuple[bytes | None, Any]]]:
        """For each partition the (key, value) of its committed records, in order; none if there is no topic yet."""
        if not self.ask(catalogue_ref(), DescribeTopics((topic.name,))).specs:
            return [[] for _ in range(topic.partitions)]
        return [self._read_partition(topic, partition) for partition in range(topic.partitions)]

    def _read_partition(self, topic: Topic[Any], partition: int) -> list[tuple[bytes | None, Any]]:
        decoder = TopicDecoder(topic.type)
        found: list[tuple[bytes | None, Any]] = []
        offset = 0
        while True:
            answer: Fetched = self.ask(partition_ref(topic.name, partition), Fetch(offset, max_bytes=1 << 24))
            for decoded in decoder.decode(answer, offset, answer.next_offset):
                found.extend(zip(decoded.keys, decoded.values, strict=True))
            if answer.next_offset == offset:
                return found
            offset = answer.next_offset

    def start(self, job: JobSpec, *, restarts: int = 5) -> Ref:
        """Start a job's coordinator."""
        return self.system.spawn(Coordinator, job, name=f"job-{job.name}", restarts=restarts)

    def run(self, job: JobSpec, outcome: Outcome, *, enough: Callable[[], bool] = lambda: False) -> None:
        """Run a job to its end, or until there is `enough` of what it was run for.

        Raises:
            ActorstreamError: what the job failed with.
        """
        self.start(job)
        self.system.run(until=lambda: outcome.is_known or enough() or self.system.failed is not None)
        if enough():
            return
        outcome.raise_error()
        if not outcome.is_known:
            raise _failure(self.system, job)

    def close(self) -> None:
        """Let go of everything; nothing is saved."""
        self.system.abandon()


def _failure(system: ActorSystem, job: JobSpec) -> ActorstreamError:
    reason: object = system.failed or "nothing is left to do"
    waiting = system.simulator.open_coroutines
    if waiting and not system.failed:
        reason = f"nothing is left to do, and {waiting} coroutines wait for what nobody brings"
    return JobFailed(f"job {job.name!r} came to a stop: {reason}")
