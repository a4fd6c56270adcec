"""`app.collect`: the values of one stream, bounded, in memory, leaving nothing behind."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import Any

from actorstream.errors import PlanError
from actorstream.host.logs import silence
from actorstream.log.client import ConsumerRecord, open_consumer
from actorstream.model.topic import Topic
from actorstream.streams.job.memory import MemoryCluster, Outcome
from actorstream.streams.job.planning import job_spec
from actorstream.streams.job.spec import Settings
from actorstream.streams.plan.nodes import Collect, Node, Source
from actorstream.streams.plan.rewrite import walk
from actorstream.streams.program import Program

_FAR_AWAY_US = 10**15  # No checkpoint but the last.


def collect(program: Program, node: Node, *, limit: int | None, data: str | None) -> list[Any]:
    """See `App.collect`."""
    into: list[Any] = []
    end = Collect(name="collect", inputs=(node,), into=into, limit=limit)
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
        cluster.run(spec, outcome, enough=lambda: limit is not None and len(into) >= limit)
        return list(islice(into, limit))


def _records(topic: Topic[Any], data: str) -> list[ConsumerRecord]:
    with open_consumer(topic, data=data) as records:
        return list(records)
