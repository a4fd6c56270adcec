"""Rewrite rules: each takes the ends of a plan and gives an equivalent plan's ends. Applied in the order of `RULES`."""

from actorstream.streams.plan.rules.fuse import fuse

RULES = (fuse,)

__all__ = ["RULES", "fuse"]
