"""A program on one host, with a member on another, and a cable between them that it cuts, and mends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from actorstream.actors import ActorSystem
from tests.actors.engine.group import wait_until
from tests.actors.nodes.workers import Ends, Told, Watcher, Where, Worker

secret, cut, mend, member = sys.argv[1], *(words.split("|") for words in sys.argv[2:])
everywhere = {"zone": "a"}

with ActorSystem(nodes=1, convention="10.9.0.1:7001", secret=secret, capabilities=everywhere) as system:
    other = subprocess.Popen(member)
    wait_until(lambda: "beta-1" in system.nodes, "the member joins")
    here = system.spawn(Worker, name="here", node=everywhere)
    there = system.spawn(Worker, name="there", node=everywhere)  # Where least has been put: there.
    watcher = system.spawn(Watcher, "there", name="watcher")
    home, abroad = (system.ask(ref, Where()).pid for ref in (here, there))
    assert home != abroad

    subprocess.run(cut, check=True)
    began = time.monotonic()
    wait_until(lambda: bool(system.ask(watcher, Ends()).reasons), "the watcher is told")
    assert not Path(f"/proc/{abroad}").exists(), "it was replaced before it had ended"
    print(f"told after {time.monotonic() - began:.1f} s")
    assert system.ask(watcher, Ends()) == Told(["Lost(node='beta-1')"])
    assert system.ask(there, Where(), timeout="10s").pid == home
    assert system.nodes == ["node-0", "node-1"]

    subprocess.run(mend, check=True)
    began = time.monotonic()
    wait_until(lambda: "beta-1" in system.nodes, "the member's node is there again", seconds=60)
    print(f"back after {time.monotonic() - began:.1f} s")
    other.terminate()
    assert other.wait(20) == 0
