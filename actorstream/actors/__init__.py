"""The actor model: actors, supervision, and the runtimes that run them. Knows nothing of logs or streams."""

from actorstream.actors.actor import Actor, receives
from actorstream.actors.context import Context
from actorstream.actors.dead_letters import DeadLetter
from actorstream.actors.message import (
    Crash,
    ExitReason,
    Fenced,
    Hung,
    Killed,
    Lost,
    Message,
    Normal,
    Observe,
    Observed,
    Shutdown,
    Terminated,
)
from actorstream.actors.poison import Poison
from actorstream.actors.ref import Ref
from actorstream.actors.scheduler import Timer
from actorstream.actors.specification import Backoff, ChildSpec, child, one_for_all, one_for_one, region, rest_for_one
from actorstream.actors.supervisor import Supervisor
from actorstream.actors.system import ActorSystem, InjectedCrash
from actorstream.host import Tls

__all__ = [
    "Actor",
    "ActorSystem",
    "Backoff",
    "ChildSpec",
    "Context",
    "Crash",
    "DeadLetter",
    "ExitReason",
    "Fenced",
    "Hung",
    "InjectedCrash",
    "Killed",
    "Lost",
    "Message",
    "Normal",
    "Observe",
    "Observed",
    "Poison",
    "Ref",
    "Shutdown",
    "Supervisor",
    "Terminated",
    "Timer",
    "Tls",
    "child",
    "one_for_all",
    "one_for_one",
    "receives",
    "region",
    "rest_for_one",
]
