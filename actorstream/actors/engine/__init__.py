"""Processes for nodes: made, placed and buried with Thespian, which carries nothing else."""

from actorstream.actors.engine.engine import Engine, EngineEvents, Order
from actorstream.actors.engine.notes import HostInfo, Hung, LastWords
from actorstream.actors.engine.settings import EngineSettings
from actorstream.actors.engine.thespian_engine import ENTRY, ThespianEngine
from actorstream.actors.engine.watchdog import Busy, Verdict, Watchdog

__all__ = [
    "Busy",
    "ENTRY",
    "Engine",
    "EngineEvents",
    "EngineSettings",
    "HostInfo",
    "Hung",
    "LastWords",
    "Order",
    "ThespianEngine",
    "Verdict",
    "Watchdog",
]
