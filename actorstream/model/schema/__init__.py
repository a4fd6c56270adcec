"""The type of a topic's values as data: written down, made into a type again, and compared."""

from actorstream.model.schema.building import build
from actorstream.model.schema.comparing import difference
from actorstream.model.schema.describing import describe

__all__ = ["build", "describe", "difference"]
