"""What a coordinator must know and do before its tasks may begin: topics, the job's log, an epoch.

One step follows the other, each a question to the log's actors: create the topics; read the job's log to its end; ask
where the inputs end; get producer ids for new lanes; append the epoch (again from the reading, if somebody else was
faster); open the epoch in every partition that the job ever wrote to, which settles what earlier epochs left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actorstream.actors import Context
from actorstream.errors import BadInput, Fenced, Mistake, TopicMismatch
from actorstream.log.client import (
    PRODUCER_EPOCH_MAX,
    SLOTS,
    AllocateProducerIds,
    Append,
    CreateTopic,
    DescribeTopics,
    Epoch,
    Fetch,
    Fetched,
    History,
    ListOffsets,
    RawDecoder,
    Refused,
    catalogue_ref,
    changelog_topic,
    decode_decision,
    encode_decision,
    encode_records,
    job_topic,
    partition_ref,
)
from actorstream.model.schema import describe
from actorstream.model.topic import Topic, TopicSpec
from actorstream.streams.job.questions import Questions
from actorstream.streams.job.schemas import Schemas
from actorstream.streams.job.spec import JobSpec, task_id
from actorstream.streams.job.stores import forget_stores
from actorstream.streams.plan.nodes import Source


class Opening:
    """See the module. Calls `then` at the end; what it found out is in its attributes.

    Calls `refuse` instead if the program cannot go on with what its last checkpoint holds.
    """

    def __init__(
        self,
        job: JobSpec,
        questions: Questions,
        context: Context,
        then: Callable[[], None],
        refuse: Callable[[Mistake], None],
    ) -> None:
        self.history = History()
        self.schemas = Schemas(job.plan)
        self.ends: dict[str, int] = {}  # source instance → end of its partition when the run began
        self._job = job
        self._questions = questions
        self._context = context
        self._then = then
        self._refuse = refuse
        self._watched: dict[str, None] = {}
        self._partitions: dict[str, int] = {}  # sink topic → how many partitions it has
        self._reason = ""
        self._opened: Epoch | None = None  # the newest that this coordinator knows to have appended
        self._tried: Epoch | None = None  # the newest that it tried to append, with an answer or without one

    # --- first: topics, history, inputs ----------------------------------------------------------------------------

    def start(self) -> None:
        """Make the topics, read the history, find the ends of the inputs, then open an epoch."""
        forget_stores(self._context.host.disk, self._job)
        sinks = self._job.plan.sink_topics()
        specs = [_spec(topic, topic.name in sinks) for topic in self._job.topics if isinstance(topic, Topic)]
        for internal in (job_topic(self._job.name), changelog_topic(self._job.name)):
            specs.append(TopicSpec(internal, internal=True))
        self._all(
            [(catalogue_ref(), CreateTopic(spec)) for spec in specs],
            lambda answers: self._created(specs, answers),
        )

    def _created(self, specs: list[TopicSpec], answers: list[Any]) -> None:
        for asked, answer in zip(specs, answers, strict=True):
            if asked.partitions != answer.spec.partitions:
                raise TopicMismatch(
                    f"topic {asked.name!r} has {answer.spec.partitions} partitions, and the program declares "
                    f"{asked.partitions}; declare {answer.spec.partitions}, or use another topic"
                )
        self.read_history(self._check_schemas)

    def _check_schemas(self) -> None:
        try:
            self.schemas.check(self.history)
        except BadInput as error:
            self._refuse(error)
        else:
            for operator in self.schemas.orphans(self.history):
                self._context.log.warning("state kept that no operator reads", operator=operator)
            self._find_ends(lambda: self.open_epoch("start", self._then))

    def read_history(self, then: Callable[[], None]) -> None:
        """Read the job's log from where it was read to, to its end.

        Raises, when the answer comes:
            Fenced: another coordinator has opened an epoch after this one.
        """

        def fetched(answer: Fetched) -> None:
            for offset, _, value in RawDecoder().decode(answer):
                where = f"{answer.topic}-{answer.partition} at offset {offset}"
                self.history.apply(decode_decision(value or b"", where), offset)
            self.history.end = max(self.history.end, answer.next_offset)
            if self.history.end < answer.high_watermark:
                self.read_history(then)
            else:
                self._check_ours()
                then()

        self._ask(self._log(), Fetch(self.history.end, committed=False), fetched)

    def _check_ours(self) -> None:
        """Whoever opened an epoch goes on only as long as no other coordinator opens one.

        Raises:
            Fenced: another did.
        """
        newest = self.history.epoch
        if self._opened is not None and newest not in (self._opened, self._tried):
            raise Fenced(f"job {self._job.name!r}: another coordinator took over, with epoch {self.history.last_epoch}")

    def _find_ends(self, then: Callable[[], None]) -> None:
        wanted = [
            (task_id(task, instance), partition_ref(task.head.topic.name, instance))
            for task in self._job.plan.tasks
            if isinstance(task.head, Source) and task.head.topic is not None
            for instance in range(task.instances)
        ]

        def found(answers: list[Any]) -> None:
            for (source, _), answer in zip(wanted, answers, strict=True):
                self.ends[source] = answer.last_stable_offset
            then()

        self._all([(ref, ListOffsets()) for _, ref in wanted], found)

    # --- an epoch --------------------------------------------------------------------------------------------------

    def open_epoch(self, reason: str, then: Callable[[], None], *, stop: bool = False) -> None:
        """Append a new epoch and open it in the partitions; `stop`: one without an assignment, which ends the job."""
        self._reason = reason
        lanes = [] if stop else self._lanes_without_ids()
        if not lanes:
            self._append_epoch({}, then, stop)
            return

        def allocated(answer: Any) -> None:
            fresh = {lane: answer.first + place * SLOTS for place, lane in enumerate(lanes)}
            self._append_epoch(fresh, then, stop)

        question = AllocateProducerIds(len(lanes) * SLOTS, self._job.name)
        self._ask(catalogue_ref(), question, allocated)

    def _lanes_without_ids(self) -> list[str]:
        history = self.history
        return [
            lane
            for lane in self._job.plan.lanes()
            if lane not in history.lanes or history.last_epoch + 2 - history.bases[lane] > PRODUCER_EPOCH_MAX
        ]

    def _append_epoch(self, fresh: dict[str, int], then: Callable[[], None], stop: bool) -> None:
        history, plan = self.history, self._job.plan
        number = history.last_epoch + 1
        epoch = Epoch(
            epoch=number,
            first_checkpoint=history.next_first_checkpoint(),
            assignment=None if stop else {task.name: task.instances for task in plan.tasks},
            lanes=fresh,
            sink_topics=tuple(plan.sink_topics()),
            producer_epoch_base=number,
            plan_hash=plan.plan_hash,
            reason=self._reason,
            at_us=self._context.now(),
        )

        self._tried = epoch

        def appended(answer: Any) -> None:
            self._opened = epoch
            history.apply(epoch, answer.first_offset)
            self._describe_sinks(then)

        def moved(refused: Refused) -> None:
            # From the beginning: whoever was faster may have given the lanes their ids.
            self.read_history(lambda: self.open_epoch(self._reason, then, stop=stop))

        self._ask(self._log(), decision_append(epoch, history.end, epoch.at_us), appended, moved)

    def _describe_sinks(self, then: Callable[[], None]) -> None:
        def described(answer: Any) -> None:
            self._partitions = {spec.name: spec.partitions for spec in answer.specs}
            self._open_partitions(then)

        self._ask(catalogue_ref(), DescribeTopics(tuple(self.history.sink_topics)), described)

    def _open_partitions(self, then: Callable[[], None]) -> None:
        """Settle and fence, in every partition that any epoch of the job may have written to."""
        questions = [
            (partition_ref(topic, number), opening)
            for topic, count in self._partitions.items()
            for number in range(count)
            for opening in self.history.openings(self._job.name, f"{topic}-{number}")
        ]
        self._all(questions, lambda _: then())

    def producer_ids(self) -> dict[str, tuple[int, int]]:
        """For each lane of the plan (its first producer id, the producer epoch)."""
        history = self.history
        return {
            lane: (history.lanes[lane], history.last_epoch - history.bases[lane]) for lane in self._job.plan.lanes()
        }

    # --- asking ----------------------------------------------------------------------------------------------------

    def _log(self) -> Any:
        return partition_ref(job_topic(self._job.name), 0)

    def _ask(self, ref: Any, question: Any, then: Any, moved: Any = None) -> None:
        if ref.path not in self._watched:
            self._watched[ref.path] = None
            self._context.watch(ref)
        self._questions.ask(self._context, ref, question, then, moved)

    def _all(self, questions: list[tuple[Any, Any]], then: Callable[[list[Any]], None]) -> None:
        """Ask all at once; `then(answers)` in the order of the questions."""
        answers: dict[int, Any] = {}
        if not questions:
            then([])
            return

        def answered(place: int, answer: Any) -> None:
            answers[place] = answer
            if len(answers) == len(questions):
                then([answers[one] for one in range(len(questions))])

        for place, (ref, question) in enumerate(questions):
            self._ask(ref, question, lambda answer, place=place: answered(place, answer))


def decision_append(decision: Any, expected_end: int, at_us: int) -> Append:
    """The append of one decision: only if the log ends where it was left, and durable before it is answered."""
    batches = encode_records([at_us // 1000], [None], [encode_decision(decision)])
    return Append(batches, expected_end=expected_end, flush=True)


def _spec(topic: Topic[Any], is_sink: bool) -> TopicSpec:
    return TopicSpec(
        name=topic.name,
        partitions=topic.partitions,
        replication=topic.replication,
        retention_us=topic.retention_us,
        compacted=topic.compacted,
        key=topic.key if isinstance(topic.key, str) else None,
        schema=None if topic.type is None else describe(topic.type),
        reads_committed=is_sink,
    )
