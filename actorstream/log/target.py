"""Whom a question to the log is for, apart from where that actor lives."""

from __future__ import annotations

from typing import Literal

from actorstream.actors import Ref
from actorstream.log.addresses import catalogue_ref, groups_ref, partition_ref
from actorstream.model.topic import TopicPartition

Target = Literal["catalogue", "groups"] | TopicPartition
"""The topics, the groups, or one partition."""


def target_ref(target: Target) -> Ref:
    """The actor that a question is for; whether there is such a partition, only the catalogue knows."""
    match target:
        case "catalogue":
            return catalogue_ref()
        case "groups":
            return groups_ref()
        case TopicPartition(topic, partition):
            return partition_ref(topic, partition)
