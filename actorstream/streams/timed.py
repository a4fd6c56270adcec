"""Whether records have event times, checked where a line is written."""

from __future__ import annotations

from typing import Any

from actorstream.errors import PlanError
from actorstream.streams.checks import check_field, field_type
from actorstream.streams.plan import nodes
from actorstream.streams.site import user_site

_NO_TIMES = (str, bytes, bool, float, list, dict, tuple)


def check_event_time(kind: Any, event_time: Any) -> None:
    """Refuse what cannot say when a record happened: a field that is not there, or whose type can never be a time.

    Args:
        kind: the type of the values.
        event_time: a field's name, a function of the value, or None.

    Raises:
        PlanError: names the field and its type.
    """
    if isinstance(event_time, str):
        check_field(kind, event_time, "event_time")
        _check_time(kind, event_time)
    elif event_time is not None and not callable(event_time):
        raise PlanError(f"stream at {user_site()}: event_time is {event_time!r}; give a field's name or a function")


def need_time(node: nodes.Node, operation: str) -> None:
    """Refuse an operator over event time where records have none.

    Raises:
        PlanError: names the stream.
    """
    for source in nodes.timed_by(node):
        if source.topic is None and source.event_time is None:
            raise PlanError(
                f"{operation} at {user_site()} is over event time, and the records of {source.name!r} have none; "
                "give the stream a field or a function: app.stream(..., event_time=)"
            )


def _check_time(kind: Any, field: str) -> None:
    found = field_type(kind, field)
    if found in _NO_TIMES:
        raise PlanError(
            f"event_time at {user_site()}: the field {field!r} of {kind.__name__} is a {found.__name__}; an event time "
            "is a datetime, a date, or an int of microseconds since 1970"
        )
