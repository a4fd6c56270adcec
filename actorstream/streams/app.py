"""`App`: one job, as a program declares it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, overload

from actorstream.errors import PlanError
from actorstream.model.duration import duration_us
from actorstream.model.record import Record
from actorstream.model.topic import Topic, check_topic_name
from actorstream.streams import checks
from actorstream.streams.connector import Source
from actorstream.streams.gaps import check_sequence, watch_gaps
from actorstream.streams.plan import nodes
from actorstream.streams.policies import Policy, checked
from actorstream.streams.program import Program
from actorstream.streams.site import user_site
from actorstream.streams.stream import Stream
from actorstream.streams.table import Table
from actorstream.streams.timed import check_event_time

if TYPE_CHECKING:
    import polars

    from actorstream.log.client import Consumer, Producer
    from actorstream.streams.job.handle import Job

T = TypeVar("T")
V = TypeVar("V")
R = TypeVar("R", bound=Record)

DEFAULT_DATA = "./actorstream-data"
"""The data directory when none is named."""


class App:
    """One job; its name is its consumer group, its state's namespace and its title.

    Example:
        >>> from actorstream import App, agg
        >>> app = App("words")
        >>> words = app.stream(["a", "b", "a"]).key_by(lambda word: word, name="word")
        >>> [(row.word, row.n) for row in app.collect(words.aggregate(n=agg.count()))]
        [('a', 1), ('b', 1), ('a', 2)]
    """

    def __init__(self, name: str) -> None:
        check_topic_name(name, "app")
        self._program = Program(name)
        self.site = user_site()

    @property
    def name(self) -> str:
        """The job's name."""
        return self._program.name

    def __repr__(self) -> str:
        return f"App({self.name!r})"

    @overload
    def topic(
        self,
        name: str,
        type: type[T],  # noqa: A002 - the word of the interface
        *,
        partitions: int = 1,
        replication: int = 1,
        key: str | Callable[[Any], Any] | None = None,
        retention: str | timedelta | None = None,
        compacted: bool = False,
        sequence: str | None = None,
    ) -> Topic[T]: ...
    @overload
    def topic(
        self,
        name: str,
        type: None = None,  # noqa: A002
        *,
        partitions: int = 1,
        replication: int = 1,
        key: str | Callable[[Any], Any] | None = None,
        retention: str | timedelta | None = None,
        compacted: bool = False,
        sequence: str | None = None,
    ) -> Topic[Any]: ...
    def topic(
        self,
        name: str,
        type: Any = None,  # noqa: A002
        *,
        partitions: int = 1,
        replication: int = 1,
        key: str | Callable[[Any], Any] | None = None,
        retention: str | timedelta | None = None,
        compacted: bool = False,
        sequence: str | None = None,
    ) -> Topic[Any]:
        """A topic of the log, created when the app starts. The same name again gives the same object.

        Args:
            type: of the values: a Record type, or any type that JSON can carry; None gives dicts and lists.
            partitions: shares of the topic that are ordered, stored and read on their own.
            replication: copies; this version keeps one.
            key: a field's name or a function of the value: the key under which `to` and `send` write.
            retention: how long records are kept; None: for ever.
            compacted: whether only the latest record of each key need be kept.
            sequence: the field in which the records of each key are numbered, going up by one; jobs that read the topic
                count what is missing and what comes twice, see `Stream.gaps`.

        Raises:
            TopicMismatch: the name is declared otherwise already.
            PlanError: a bad name, or a key field that the type does not have.
        """
        if isinstance(key, str):
            checks.check_field(type, key, f"the key of topic {name!r}")
        topic: Topic[Any] = Topic(
            name,
            type,
            partitions=partitions,
            replication=replication,
            key=key,
            retention=retention,
            compacted=compacted,
            sequence=sequence,
        )
        check_sequence(topic)
        return self._program.declare(topic)

    @overload
    def stream(
        self,
        source: Topic[V],
        *,
        name: str | None = None,
        event_time: str | Callable[[V], Any] | None = None,
        max_delay: str | timedelta = "0s",
        idle: str | timedelta | None = None,
        start: str = "earliest",
        on_error: Policy | None = None,
    ) -> Stream[V]: ...
    @overload
    def stream(
        self,
        source: Sequence[V],
        *,
        name: str | None = None,
        event_time: str | Callable[[V], Any] | None = None,
        max_delay: str | timedelta = "0s",
        idle: str | timedelta | None = None,
        start: str = "earliest",
        on_error: Policy | None = None,
    ) -> Stream[V]: ...
    @overload
    def stream(
        self,
        source: Source,
        *,
        name: str | None = None,
        event_time: str | Callable[[Any], Any] | None = None,
        max_delay: str | timedelta = "0s",
        idle: str | timedelta | None = None,
        start: str = "earliest",
        on_error: Policy | None = None,
    ) -> Stream[Any]: ...
    def stream(
        self,
        source: Any,
        *,
        name: str | None = None,
        event_time: str | Callable[[Any], Any] | None = None,
        max_delay: str | timedelta = "0s",
        idle: str | timedelta | None = None,
        start: str = "earliest",
        on_error: Policy | None = None,
    ) -> Stream[Any]:
        """A stream from a topic, a connector or a sequence.

        Args:
            event_time: a field's name, or a function of the value, that gives a datetime; without it a topic's
                timestamps count.
            max_delay: how far records may be out of order before they count as late for windows.
            idle: after how long a silent partition stops holding back time; None learns it from its arrivals.
            start: "earliest" or "latest": where a topic is read from the first time.
            on_error: what becomes of a record of a topic that cannot be decoded, and, if they say nothing else, of one
                that an operator behind this fails on: `fail` (the default), `skip`, `dead_letter(topic)`, `retry(...)`.

        Raises:
            PlanError: something that is no source, or an event-time field that does not exist.
        """
        if start not in ("earliest", "latest"):
            raise PlanError(f'stream at {user_site()}: start is {start!r}; it is "earliest" or "latest"')
        node = self._source(source, name, event_time, max_delay, idle, start, checked(on_error, "stream"))
        self._program.add(node)
        watch_gaps(self._program, node)
        return Stream(self._program, node)

    def _source(
        self,
        source: Any,
        name: str | None,
        event_time: str | Callable[[Any], Any] | None,
        max_delay: str | timedelta,
        idle: str | timedelta | None,
        start: str,
        on_error: Policy | None,
    ) -> nodes.Source:
        topic = self._program.declare(source) if isinstance(source, Topic) else None
        connector: Any = None if topic is not None else _connector(source)
        kind: Any = connector.type if topic is None else topic.type or Any
        check_event_time(kind, event_time)
        label = topic.name if topic is not None else "stream"
        return nodes.Source(
            topic=topic,
            connector=connector,
            event_time=event_time,
            max_delay_us=duration_us(max_delay, what="max_delay", zero=True),
            idle_us=None if idle is None else duration_us(idle, what="idle"),
            start=start,
            on_error=on_error,
            type=kind,
            **self._program.naming(label, None, name, None),
        )

    def source(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        event_time: str | Callable[[Any], Any] | None = None,
        max_delay: str | timedelta = "0s",
        on_error: Policy | None = None,
    ) -> Any:
        """Decorate a generator function, sync or async: what it yields is a stream.

        One that takes `offset` (None at first) and yields `(value, offset)` can be replayed: after a crash it is called
        again with the offset of the last committed value. Without it, what was read since the last checkpoint is lost.

        Example:
            >>> from actorstream import App
            >>> app = App("doc")
            >>> @app.source
            ... def numbers(offset: int | None):
            ...     for n in range((offset or 0) + 1, 4):
            ...         yield n * 10, n
            >>> app.collect(numbers)
            [10, 20, 30]
        """

        def build(user: Callable[..., Any]) -> Stream[Any]:
            from actorstream.streams.sources import GeneratorSource

            connector = GeneratorSource(user)
            check_event_time(connector.type, event_time)
            naming = self._program.naming("source", user, name, None)
            connector.operator = naming["name"]
            node = nodes.Source(
                connector=connector,
                event_time=event_time,
                max_delay_us=duration_us(max_delay, what="max_delay", zero=True),
                type=connector.type,
                on_error=checked(on_error, "source"),
                **naming,
            )
            return Stream(self._program, self._program.add(node), user)

        return build if function is None else build(function)

    def table(self, source: Topic[V] | Stream[V], *, key: str | Callable[[V], Any]) -> Table[Any, V]:
        """The latest value by key of a topic or stream, for joins; read to its current end before what joins it starts.

        Args:
            key: a field's name, or a function of the value.
        """
        stream = source if isinstance(source, Stream) else self.stream(source, name=None)
        checks.check_one_app("table", self._program, stream._program)
        if isinstance(key, str):
            return Table(self._program, stream.key_by(key)._key_node())
        naming = self._program.naming("table", None, None, stream.name)
        return Table(self._program, stream._key_by_function(key, naming, "key"))

    # --- running ---------------------------------------------------------------------------------------------------

    def run(
        self,
        *,
        data: str = DEFAULT_DATA,
        workers: int = 1,
        checkpoint: str | timedelta = "100ms",
        until: str | None = None,
        max_drift: str | timedelta | None = "5m",
        state: str = "memory",
    ) -> None:
        """Run the job to the end of bounded sources, else until a signal (Ctrl-C drains and commits).

        Args:
            data: the data directory; created if it is not there.
            workers: 1: everything in this process; more: so many processes for the operators, beside this one, which
                keeps the log. Each imports the file that holds the app, up to where something is run or opened.
            checkpoint: the interval between checkpoints.
            until: "caught_up": commit and stop once everything that was there is processed, open windows stay in the
                state; "end": take what is there as the whole input and close every window.
            max_drift: how far, in event time, a partition is read ahead of the slowest that it meets in a window, a
                join or a union; None: as far as it gets. What is ahead would only wait there, and take room.
            state: where the operators' state is kept while the job runs: "memory", or "rocksdb" for more than fits
                there (the extra `rocksdb`). May differ from run to run.

        Raises:
            MissingExtra: `state` is "rocksdb", and its library is not installed.
            OperatorError: a function of the program raised.
            JobFailed: the job ended for another reason.
            Mistake: something in the program, the input or the directory needs a person.
        """
        from actorstream.streams.job.handle import run

        run(
            self._program,
            data=data,
            workers=workers,
            checkpoint=checkpoint,
            until=until,
            max_drift=max_drift,
            state=state,
        )

    def start(
        self,
        *,
        data: str = DEFAULT_DATA,
        workers: int = 1,
        checkpoint: str | timedelta = "100ms",
        until: str | None = None,
        max_drift: str | timedelta | None = "5m",
        state: str = "memory",
    ) -> Job:
        """The same as `run`, in the background: a `Job` to wait for, stop, and look at."""
        from actorstream.streams.job.handle import start

        return start(
            self._program,
            data=data,
            workers=workers,
            checkpoint=checkpoint,
            until=until,
            max_drift=max_drift,
            state=state,
        )

    def collect(self, stream: Stream[V], *, limit: int | None = None, data: str | None = None) -> list[V]:
        """The values of a stream as a list: runs only what it needs, bounded, in memory, and may be called again.

        Args:
            limit: at most so many values.
            data: the data directory, when the stream reads a topic.
        """
        from actorstream.streams.job.collect import collect, node_of

        return collect(self._program, node_of(stream, "collect"), limit=limit, data=data)

    def collect_frame(
        self, stream: Stream[R], *, limit: int | None = None, data: str | None = None
    ) -> polars.DataFrame:
        """The Records of a stream as a Polars frame, with a column for each field; otherwise as `collect`.

        Where the stream is columns already, no Record is made.

        Raises:
            PlanError: the stream's values are not known to be Records of one type.

        Example:
            >>> from actorstream import App, Record
            >>> class Trip(Record):
            ...     city: str
            ...     km: float
            >>> app = App("doc")
            >>> app.collect_frame(app.stream([Trip("Oslo", 3.5), Trip("Bergen", 2.0)]))["km"].sum()
            5.5
        """
        from actorstream.streams.job.collect import collect_frame, node_of

        return collect_frame(self._program, node_of(stream, "collect_frame"), limit=limit, data=data)

    def explain(self, stage: str = "physical", format: str = "text") -> str:  # noqa: A002
        """The plan, as a picture in text.

        Args:
            stage: "logical": as written; "optimised": after the rewrite rules; "physical": as tasks.
            format: "text", "mermaid" or "json".
        """
        from actorstream.streams.plan.explain import explain

        return explain(self._program, stage, format)

    def producer(self, *, data: str = DEFAULT_DATA) -> Producer:
        """A producer for the topics of a data directory."""
        from actorstream.log.client import open_producer

        return open_producer(data)

    def consumer(
        self,
        topic: Topic[Any] | str,
        *,
        group: str | None = None,
        data: str = DEFAULT_DATA,
        start: str = "earliest",
        follow: bool = False,
    ) -> Consumer:
        """A consumer of one topic: iterates committed records, to the end of the log unless it follows."""
        from actorstream.log.client import open_consumer

        return open_consumer(topic, data=data, group=group, start=start, follow=follow)


def _connector(source: Any) -> Any:
    if isinstance(source, Source):
        return source
    if isinstance(source, Sequence) and not isinstance(source, str | bytes):
        from actorstream.streams.sources import SequenceSource

        return SequenceSource(source)
    raise PlanError(
        f"stream at {user_site()} was given {source!r}; give it a topic (app.topic), a connector (files.jsonl(...)) or "
        "a list"
    )
