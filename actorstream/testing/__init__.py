"""What tests of programs are written with: `run` and `simulate` for an app, `actor_kit` for one actor."""

from actorstream.testing.actor_kit import ActorKit, actor_kit
from actorstream.testing.faults import Faults
from actorstream.testing.life import SimulationFailed
from actorstream.testing.run import Output, run
from actorstream.testing.simulate import simulate

__all__ = ["ActorKit", "Faults", "Output", "SimulationFailed", "actor_kit", "run", "simulate"]
