"""A program with an engine and two nodes, to be killed: it says where they are, and waits. Without a main guard."""

from __future__ import annotations

import json
import sys
import time

from tests.actors.engine.group import running
from tests.actors.engine.guests import Deed

with running() as (engine, listener):
    engine.start_node(Deed(1))
    engine.start_node(Deed(2))
    print(json.dumps([engine.directory, *listener.pids(1, 2)]), flush=True)
    if "leave" not in sys.argv:
        time.sleep(600)
