"""actorstream: a persistent log and an exactly-once stream processor, in one package.

The public names, and nothing else.
"""

from actorstream.model.record import Record
from actorstream.streams import aggregates as agg
from actorstream.streams.app import App
from actorstream.streams.gaps import Gap
from actorstream.streams.pattern import Match, pattern
from actorstream.streams.policies import dead_letter, fail, retry, skip
from actorstream.streams.state import Key, ListState, MapState, State, Timer, ValueState
from actorstream.streams.windows import Window, rows, session, sliding, tumbling

__all__ = [
    "App",
    "Gap",
    "Key",
    "ListState",
    "MapState",
    "Match",
    "Record",
    "State",
    "Timer",
    "ValueState",
    "Window",
    "agg",
    "dead_letter",
    "fail",
    "pattern",
    "retry",
    "rows",
    "session",
    "skip",
    "sliding",
    "tumbling",
]
