"""What of the demo is in a data directory: nothing, a part, all of it, or other things beside it."""

from __future__ import annotations

from actorstream.errors import BadInput
from actorstream.log.client import Transport, changelog_topic, delete_topic, job_topic, list_topics
from actorstream.model.instant import END_OF_TIME
from actorstream.ops.demo import job
from actorstream.ops.joblog import JobLog, jobs

INPUTS = (job.flights.name, job.weather.name)
OUTPUTS = (job.airport_days.name, job.carrier_delays.name, job.delay_alerts.name)
OWN = (changelog_topic(job.app.name), job_topic(job.app.name))


def is_done(transport: Transport) -> bool:
    """Whether the job has read all of its input and closed every window."""
    if job.app.name not in jobs(transport):
        return False
    history = JobLog(transport, job.app.name).history
    return history.is_stopped and bool(history.watermarks) and min(history.watermarks.values()) >= END_OF_TIME


def remove_remains(transport: Transport) -> None:
    """Remove results without the job that wrote them: somebody began to remove the demo, and was interrupted."""
    if job.app.name not in jobs(transport):
        _remove(transport, OUTPUTS)


def remove(transport: Transport, data: str) -> None:
    """Remove the demo from the directory: its topics, and what its job remembers.

    Raises:
        BadInput: there are other things in the directory, so it is somebody's own; nothing is removed.
    """
    others = [spec.name for spec in list_topics(transport, internal=True) if spec.name not in (*INPUTS, *OUTPUTS, *OWN)]
    others = [name for name in others if name != _OFFSETS]
    if others:
        raise BadInput(
            f"{data} holds other things than the demo: {', '.join(others[:5])}; --fresh would start over in it. "
            "Choose another directory with --data"
        )
    _remove(transport, (*reversed(OWN), *OUTPUTS, *INPUTS))  # The job's log first; see `remove_remains`.


_OFFSETS = "__consumer_offsets"


def _remove(transport: Transport, names: tuple[str, ...]) -> None:
    there = [spec.name for spec in list_topics(transport, internal=True)]
    for name in names:
        if name in there:
            delete_topic(transport, name)
