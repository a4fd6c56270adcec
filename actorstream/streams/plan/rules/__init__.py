"""Rewrite rules: each takes the ends of a plan and gives the ends of an equivalent one."""

from actorstream.streams.plan.rules.fuse import fuse

__all__ = ["fuse"]
