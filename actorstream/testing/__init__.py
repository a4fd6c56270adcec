"""What tests of programs are written with: `run`, `simulate` for an app, `actor_kit`, `storm` for actors."""

from actorstream.testing.actor_kit import ActorKit, actor_kit
from actorstream.testing.cluster_faults import ClusterFaults
from actorstream.testing.faults import Faults
from actorstream.testing.life import SimulationFailed
from actorstream.testing.run import Output, run
from actorstream.testing.simulate import simulate
from actorstream.testing.storm import storm

__all__ = ["ActorKit", "ClusterFaults", "Faults", "Output", "SimulationFailed", "actor_kit", "run", "simulate", "storm"]
