"""What a test gives an app to read, checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from actorstream.errors import BadInput
from actorstream.model.topic import Topic
from actorstream.streams.app import App

Inputs = Mapping[Topic[Any], Iterable[Any]]
"""The values of each topic, in their order."""


def checked_inputs(app: App, inputs: Inputs | None) -> dict[Topic[Any], list[Any]]:
    """The same, each as a list.

    Raises:
        BadInput: values for what is no topic of the app: nothing would read them.
    """
    known = app._program.topics
    for topic in inputs or {}:
        if not isinstance(topic, Topic):
            raise BadInput(
                f"values were given for {topic!r}, which is no topic; give them for what app.topic(...) gave"
            )
        if topic.name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise BadInput(f"values were given for {topic!r}, which is no topic of {app!r}; its topics are: {there}")
    return {topic: list(values) for topic, values in (inputs or {}).items()}
