"""What a user's tests are written with: `run` an app in memory, `simulate` it under faults."""

from actorstream.testing.faults import Faults
from actorstream.testing.life import SimulationFailed
from actorstream.testing.run import Output, run
from actorstream.testing.simulate import simulate

__all__ = ["Faults", "Output", "SimulationFailed", "run", "simulate"]
