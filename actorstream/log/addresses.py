"""Where the log's actors are found."""

from __future__ import annotations

from actorstream.actors import Ref

LOG = "log"
"""The path of the log's supervisor."""


def catalogue_ref() -> Ref:
    """The actor that knows all topics."""
    return Ref(f"{LOG}/catalogue")


def groups_ref() -> Ref:
    """The actor that knows where consumer groups are."""
    return Ref(f"{LOG}/groups")


def partition_ref(topic: str, partition: int) -> Ref:
    """The actor that owns one partition; it exists once the topic was created."""
    return Ref(f"{LOG}/catalogue/{topic}-{partition}")
