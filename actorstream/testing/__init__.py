"""What a user's tests are written with: `run` an app in memory, `simulate` it under faults."""

from actorstream.testing.run import Output, run

__all__ = ["Output", "run"]
