"""Rewrite rules: each takes the ends of a plan and gives the ends of an equivalent one."""

from actorstream.streams.plan.rules.choose_joins import choose_joins
from actorstream.streams.plan.rules.drop_exchanges import drop_exchanges
from actorstream.streams.plan.rules.drop_keys import drop_keys
from actorstream.streams.plan.rules.fuse import fuse
from actorstream.streams.plan.rules.narrow_sources import narrow_sources
from actorstream.streams.plan.rules.pre_aggregate import pre_aggregate
from actorstream.streams.plan.rules.prune_columns import prune_columns
from actorstream.streams.plan.rules.push_filters import push_filters

__all__ = [
    "choose_joins",
    "drop_exchanges",
    "drop_keys",
    "fuse",
    "narrow_sources",
    "pre_aggregate",
    "prune_columns",
    "push_filters",
]
