"""The actor that knows all topics and hands out producer ids; it starts an actor for every partition.

Guarantees: what it answered is durable; a producer id is never given twice; a deleted topic's records are gone when it
says so, and a topic made again under the same name begins empty. Leaves to others: records (`partition`).

It keeps what it knows as entries in the internal topic `__cluster_metadata`.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import msgspec

from actorstream.actors import Actor, Context, Crash, ExitReason, Ref, Terminated, receives
from actorstream.errors import ActorstreamError, Corrupt, PlanError, TopicMismatch, UnknownTopic, UnsupportedFormat
from actorstream.log.fences import JOB_PRODUCERS_FROM
from actorstream.log.groups import ForgetTopic
from actorstream.log.identity import stored_topic_id
from actorstream.log.internal_log import InternalLog
from actorstream.log.loss import report_loss
from actorstream.log.messages import (
    AllocateProducerIds,
    CreateTopic,
    DeleteTopic,
    DescribeTopics,
    ProducerIdsAllocated,
    TopicCreated,
    TopicDeleted,
    TopicsDescribed,
)
from actorstream.log.partition import Partition
from actorstream.log.partition_events import Configure
from actorstream.log.refusals import refusal
from actorstream.log.settings import LogSettings
from actorstream.model.topic import PARTITIONS_MAX, TopicSpec, check_topic_name

METADATA_TOPIC = "__cluster_metadata"
TOPICS_MAX = 10_000
PRODUCER_IDS_MAX = 1 << 20
"""The most producer ids that may be asked for at once."""

PLAIN_IDS_BLOCK = 1000
"""Ids of plain producers are reserved in blocks, so that not every producer waits for the disk."""


class TopicEntry(msgspec.Struct, frozen=True, tag="topic"):
    """A topic as it is from now on."""

    spec: TopicSpec


class DeletedEntry(msgspec.Struct, frozen=True, tag="deleted"):
    """A topic is no more; its directories may still have to be removed."""

    name: str
    topic_id: str


class ProducerIdsEntry(msgspec.Struct, frozen=True, tag="producer_ids"):
    """Ids from `first` on belong to `owner`: a job, or "" for plain producers."""

    first: int
    count: int
    owner: str


Entry = TopicEntry | DeletedEntry | ProducerIdsEntry


class _Deletion(msgspec.Struct):
    """A topic whose partitions are stopping, and who waits for that."""

    spec: TopicSpec
    running: set[str]  # the paths of partitions that have not ended yet
    asked: list[tuple[Ref, int]]
    waiting: list[tuple[Ref, CreateTopic]] = []


CatalogueMessage = CreateTopic | DeleteTopic | DescribeTopics | AllocateProducerIds | Terminated


class Catalogue(Actor, accepts=CatalogueMessage):
    """See the module."""

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._topics: dict[str, TopicSpec] = {}
        self._deletions: dict[str, _Deletion] = {}
        self._next_job_id = JOB_PRODUCERS_FROM
        self._next_plain_id = 0
        self._plain_ids_end = 0
        self._log: InternalLog | None = None
        self._damage: ActorstreamError | None = None

    def started(self, context: Context) -> None:
        """Read what is known, finish what was begun, and start the partitions."""
        deleted: set[str] = set()
        try:
            self._log = InternalLog(context.host.disk, self._settings.directory, METADATA_TOPIC)
            for entry in self._log.entries(Entry):
                self._apply(entry, deleted)
        except (Corrupt, UnsupportedFormat) as error:
            context.log.error("topics cannot be read", reason=str(error))
            self._damage = error
            return
        self._next_plain_id = self._plain_ids_end  # Ids that were reserved and not given are never given.
        self._remove_leftovers(context, deleted)
        for spec in self._topics.values():
            self._start_partitions(spec, context)

    def stopped(self, context: Context, reason: ExitReason) -> None:
        """Close the metadata."""
        if self._log is not None:
            self._log.close(clean=self._damage is None and not isinstance(reason, Crash))
        report_loss(reason, self._settings.supervisor, context)

    def observe(self) -> dict[str, object]:
        """How many topics there are."""
        return {"topics": len(self._topics)}

    def _apply(self, entry: Entry, deleted: set[str]) -> None:
        match entry:
            case TopicEntry(spec):
                self._topics[spec.name] = spec
            case DeletedEntry(name, topic_id):
                self._topics.pop(name, None)
                deleted.add(topic_id)
            case ProducerIdsEntry(first, count, owner) if owner:
                self._next_job_id = first + count
            case ProducerIdsEntry(first, count, _):
                self._plain_ids_end = first + count

    def _remember(self, entry: Entry, context: Context) -> None:
        """Make an entry durable, then act as if it had been read."""
        assert self._log is not None
        self._log.append([entry], context.now())
        self._apply(entry, set())

    def _remove_leftovers(self, context: Context, deleted: set[str]) -> None:
        """Remove the directories of topics whose deletion was begun before a crash."""
        disk, root = context.host.disk, self._settings.directory
        for name in disk.list(root) if deleted else ():
            with suppress(Corrupt, UnsupportedFormat):  # Whoever owns that directory will say so.
                if stored_topic_id(disk, f"{root}/{name}") in deleted:
                    disk.remove_tree(f"{root}/{name}")

    # --- topics ------------------------------------------------------------------------------------------------

    @receives(CreateTopic)
    def on_create(self, asked: CreateTopic, context: Context) -> None:
        """Create the topic, or find it, and take over what may change."""
        deletion = self._deletions.get(asked.spec.name)
        if deletion is not None:
            deletion.waiting.append((context.sender, asked))
            return
        self._create(asked, context.sender, context)

    def _create(self, asked: CreateTopic, asker: Ref, context: Context) -> None:
        try:
            self._check_damage()
            found = self._topics.get(asked.spec.name)
            spec = self._new(asked.spec, context) if found is None else self._found(found, asked.spec, context)
        except ActorstreamError as error:
            context.send(asker, refusal(asked.request, error))
            return
        context.send(asker, TopicCreated(spec, found is None, asked.request))

    def _new(self, asked: TopicSpec, context: Context) -> TopicSpec:
        _check(asked, len(self._topics))
        spec = msgspec.structs.replace(asked, topic_id=context.entropy.identity())
        self._remember(TopicEntry(spec), context)
        self._start_partitions(spec, context)
        return spec

    def _found(self, found: TopicSpec, asked: TopicSpec, context: Context) -> TopicSpec:
        """The topic that is there: with a schema if it had none, kept as long as was asked last."""
        if (found.partitions, found.compacted) != (asked.partitions, asked.compacted):
            raise TopicMismatch(
                f"topic {found.name!r} has {found.partitions} partitions, compacted={found.compacted}; it is declared "
                f"with {asked.partitions}, compacted={asked.compacted}. Declare it as it is, or delete it first"
            )
        spec = msgspec.structs.replace(
            found,
            key=asked.key if asked.key is not None else found.key,
            schema=found.schema if found.schema is not None else asked.schema,
            retention_us=asked.retention_us if asked.retention_us is not None else found.retention_us,
            reads_committed=found.reads_committed or asked.reads_committed,
        )
        if spec != found:
            self._remember(TopicEntry(spec), context)
            for number in range(spec.partitions):
                context.send(Ref(self._path(spec.name, number, context)), Configure(spec))
        return spec

    @receives(DescribeTopics)
    def on_describe(self, asked: DescribeTopics, context: Context) -> None:
        """All topics, internal ones only if asked for, or those named."""
        if self._damage is not None:
            context.reply(refusal(asked.request, self._damage))
            return
        if asked.names is None:
            specs = [spec for spec in self._topics.values() if asked.internal or not spec.internal]
        else:
            specs = [self._topics[name] for name in dict.fromkeys(asked.names) if name in self._topics]
        context.reply(TopicsDescribed(tuple(sorted(specs, key=_name)), asked.request))

    def _start_partitions(self, spec: TopicSpec, context: Context) -> None:
        for number in range(spec.partitions):
            describe = partial(self._topics.__getitem__, spec.name)
            name = f"{spec.name}-{number}"
            context.spawn(Partition, describe, number, self._settings, name=name, restart="transient")

    def _path(self, topic: str, number: int, context: Context) -> str:
        return f"{context.path}/{topic}-{number}"

    # --- deleting ----------------------------------------------------------------------------------------------

    @receives(DeleteTopic)
    def on_delete(self, asked: DeleteTopic, context: Context) -> None:
        """Forget the topic at once; answer when its files are gone."""
        deletion = self._deletions.get(asked.topic)
        if deletion is not None:
            deletion.asked.append((context.sender, asked.request))
            return
        try:
            self._check_damage()
            if asked.topic not in self._topics:
                raise UnknownTopic(asked.topic, self._visible())
            spec = self._topics[asked.topic]
            self._remember(DeletedEntry(spec.name, spec.topic_id), context)
        except ActorstreamError as error:
            context.reply(refusal(asked.request, error))
            return
        paths = [self._path(spec.name, number, context) for number in range(spec.partitions)]
        self._deletions[spec.name] = _Deletion(spec, set(paths), [(context.sender, asked.request)])
        for path in paths:
            context.watch(Ref(path))
            context.stop(Ref(path))

    @receives(Terminated)
    def on_terminated(self, ended: Terminated, context: Context) -> None:
        """A partition of a topic that is being deleted has let go of its files."""
        name = ended.ref.name.rpartition("-")[0]
        deletion = self._deletions.get(name)
        if deletion is None:
            return
        deletion.running.discard(ended.ref.path)
        if not deletion.running:
            del self._deletions[name]
            self._finish(deletion, context)

    def _finish(self, deletion: _Deletion, context: Context) -> None:
        spec, disk = deletion.spec, context.host.disk
        for number in range(spec.partitions):
            disk.remove_tree(f"{self._settings.directory}/{spec.name}-{number}")
        context.send(Ref(f"{self._settings.supervisor}/groups"), ForgetTopic(spec.name))
        for asker, request in deletion.asked:
            context.send(asker, TopicDeleted(spec.name, request))
        for asker, create in deletion.waiting:
            self._create(create, asker, context)

    def _check_damage(self) -> None:
        if self._damage is not None:
            raise self._damage

    def _visible(self) -> tuple[str, ...]:
        return tuple(sorted(spec.name for spec in self._topics.values() if not spec.internal))

    # --- producer ids ------------------------------------------------------------------------------------------

    @receives(AllocateProducerIds)
    def on_allocate(self, asked: AllocateProducerIds, context: Context) -> None:
        """Ids that nobody has had; a job's are told from others by their number."""
        try:
            self._check_damage()
            if not 1 <= asked.count <= PRODUCER_IDS_MAX:
                raise TopicMismatch(f"{asked.count} producer ids at once; ask for 1 to {PRODUCER_IDS_MAX}")
            first = self._job_ids(asked, context) if asked.owner else self._plain_ids(asked.count, context)
        except ActorstreamError as error:
            context.reply(refusal(asked.request, error))
            return
        context.reply(ProducerIdsAllocated(first, asked.count, asked.request))

    def _job_ids(self, asked: AllocateProducerIds, context: Context) -> int:
        first = self._next_job_id
        self._remember(ProducerIdsEntry(first, asked.count, asked.owner), context)
        return first

    def _plain_ids(self, count: int, context: Context) -> int:
        if self._next_plain_id + count > self._plain_ids_end:
            block = max(count, PLAIN_IDS_BLOCK)
            self._remember(ProducerIdsEntry(self._plain_ids_end, block, ""), context)
            self._next_plain_id = self._plain_ids_end - block
        first = self._next_plain_id
        self._next_plain_id += count
        return first


def _name(spec: TopicSpec) -> str:
    return spec.name


def _check(spec: TopicSpec, topics: int) -> None:
    """Refuse what cannot be a topic.

    Raises:
        TopicMismatch: says why.
    """
    try:
        check_topic_name(spec.name)
    except PlanError as error:
        raise TopicMismatch(str(error)) from None
    if not 1 <= spec.partitions <= PARTITIONS_MAX:
        raise TopicMismatch(f"topic {spec.name!r}: {spec.partitions} partitions; use 1 to {PARTITIONS_MAX}")
    if topics >= TOPICS_MAX:
        raise TopicMismatch(f"there are {topics} topics; {TOPICS_MAX} is the most")
