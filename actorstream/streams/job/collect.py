"""`app.collect`: the values of one stream, bounded, in memory, leaving nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any

from actorstream.errors import PlanError
from actorstream.host.logs import silence
from actorstream.log.client import ConsumerRecord, open_consumer
from actorstream.model.topic import Topic
from actorstream.streams.checks import is_record_stream
from actorstream.streams.engine.batch import Batch
from actorstream.streams.frames import frame_to_rows, rows_to_frame
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import Settings
from actorstream.streams.plan.nodes import Collect, Node, Source
from actorstream.streams.plan.rewrite import walk
from actorstream.streams.program import Program
from actorstream.streams.site import user_site

if TYPE_CHECKING:
    import polars

_FAR_AWAY_US = 10**15  # No checkpoint but the last.


class Found:
    """What has come so far, in the forms in which it came."""

    def __init__(self) -> None:
        self.count = 0
        self.parts: list[list[Any] | polars.DataFrame] = []
        self.kinds: list[Any] = []  # Of the values in each; a stream without a type may make one at the first batch.

    def add(self, batch: Batch) -> None:
        """One more batch."""
        self.count += len(batch)
        self.parts.append(batch.frame() if batch.is_columns else batch.rows())
        self.kinds.append(batch.kind)

    def rows(self) -> Iterator[Any]:
        """All values."""
        for part, kind in zip(self.parts, self.kinds, strict=True):
            yield from part if isinstance(part, list) else frame_to_rows(part, kind)


def node_of(stream: Any, what: str) -> Node:
    """The operator of a stream that somebody wants to see.

    Raises:
        PlanError: it is no stream.
    """
    node = getattr(stream, "_node", None)
    if not isinstance(node, Node):
        raise PlanError(f"{what} at {user_site()} was given {stream!r}; give it a stream")
    return node


def collect(program: Program, node: Node, *, limit: int | None, data: str | None) -> list[Any]:
    """See `App.collect`."""
    return list(islice(_found(program, node, limit, data).rows(), limit))


def collect_frame(program: Program, node: Node, *, limit: int | None, data: str | None) -> polars.DataFrame:
    """See `App.collect_frame`."""
    import polars

    if not is_record_stream(node.type):
        raise PlanError(
            f"collect_frame at {user_site()}: {node.name!r} is no stream of Records of a known type; say what its "
            "function returns, or use collect"
        )
    found = _found(program, node, limit, data)
    empty = rows_to_frame([], node.type)
    frames = [
        rows_to_frame(part, node.type) if isinstance(part, list) else part.select(empty.columns) for part in found.parts
    ]
    return polars.concat([empty, *frames]).head(found.count if limit is None else limit)


def _found(program: Program, node: Node, limit: int | None, data: str | None) -> Found:
    found = Found()
    end = Collect(name="collect", inputs=(node,), into=found.add, limit=limit)
    outcome = Outcome()
    spec = job_spec(
        program, Settings(checkpoint_us=_FAR_AWAY_US, until="end", idle=False), ends=(end,), report=outcome.report
    )
    topics = dict.fromkeys(node.topic for node in walk((end,)) if isinstance(node, Source) and node.topic is not None)
    if topics and data is None:
        names = ", ".join(topic.name for topic in topics)
        raise PlanError(f'collect reads the topic {names}; say where it is: collect(stream, data="./actorstream-data")')
    inputs = {topic: _records(topic, str(data)) for topic in topics}
    with silence(), closing(MemoryCluster()) as cluster:
        for topic, records in inputs.items():
            cluster.copy(topic, records)
        cluster.run(spec, outcome, enough=lambda: limit is not None and found.count >= limit)
    return found


def _records(topic: Topic[Any], data: str) -> list[ConsumerRecord]:
    with open_consumer(topic, data=data) as records:
        return list(records)
