"""Commands that are killed with SIGKILL at moments of chance, and what they left in topics."""

from __future__ import annotations

import random
import signal
import subprocess
from pathlib import Path
from typing import Any

from actorstream.log.client import open_consumer
from actorstream.model.topic import Topic
from actorstream.testing.compare import Keyed
from tests.ops.commands import start

SECONDS_MAX = 120
"""How long a command may take when nobody kills it."""


def killed_at_random(
    *command: str, cwd: Path, kills: int, seconds: tuple[float, float], chance: random.Random, after: Any = None
) -> int:
    """Run a command again and again, killing it so many times, until it ends by itself; gives how often it was killed.

    Args:
        seconds: how long it may run before it is killed, from and to.
        after: called after each kill.
    """
    killed = 0
    while killed < kills:
        process = start(*command, cwd=cwd, stderr=subprocess.DEVNULL)
        try:
            process.communicate(timeout=chance.uniform(*seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            assert process.returncode == -signal.SIGKILL
            killed += 1
            if after is not None:
                after()
        else:
            assert process.returncode == 0
            return killed
    last = start(*command, cwd=cwd)
    _, said = last.communicate(timeout=SECONDS_MAX)
    assert last.returncode == 0, said
    return killed


def committed(topic: Topic[Any], data: Path) -> list[list[Keyed]]:
    """For each partition of a topic, its records in order."""
    found: list[list[Keyed]] = [[] for _ in range(topic.partitions)]
    with open_consumer(topic, data=str(data)) as records:
        for record in records:
            found[record.partition].append((str(record.key).encode(), record.value))
    return found
