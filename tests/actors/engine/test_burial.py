"""When the user's program dies, whatever else has died or stopped, nothing of its engine is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.actors.engine.group import cast, wait_gone, wait_until
from tests.house.source import ROOT

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
PROGRAM = str(Path(__file__).with_name("driver_program.py"))


class Program(NamedTuple):
    """A program that runs."""

    process: subprocess.Popen[bytes]
    directory: str
    node: int
    group: int


@pytest.fixture
def program(request: pytest.FixtureRequest) -> Iterator[Program]:
    arguments = getattr(request, "param", [])
    process = subprocess.Popen(
        [sys.executable, PROGRAM, *arguments], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert process.stdout is not None
    directory, node, _ = json.loads(process.stdout.readline())
    yield Program(process, directory, node, os.getpgid(node) if not arguments else 0)
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_death_of_the_driver_ends_everything(program: Program) -> None:
    """SIGKILL leaves no process and no run directory."""
    program.process.kill()

    wait_gone(program.group, program.directory)


@pytest.mark.parametrize("stopped", ["helper", "admin", "warden", "logger", "node"])
def test_one_that_is_stopped_is_ended_by_the_others(program: Program, stopped: str) -> None:
    """Whoever cannot notice that the driver has gone does not survive it either."""
    os.kill(cast(program.node)[stopped], signal.SIGSTOP)
    program.process.kill()

    wait_gone(program.group, program.directory)


def test_an_interrupt_ends_everything(program: Program) -> None:
    """Ctrl-C reaches the program alone, which closes its engine as it leaves."""
    program.process.send_signal(signal.SIGINT)

    wait_gone(program.group, program.directory)
    wait_until(lambda: program.process.poll() is not None, "the program ends")


@pytest.mark.parametrize("program", [["leave"]], indirect=True)
def test_a_program_without_a_main_guard_ends_well(program: Program) -> None:
    """Nothing imports the user's program a second time."""
    assert program.process.wait(20) == 0
    assert not os.path.lexists(program.directory)


def test_a_driver_that_dies_at_once_leaves_nothing(tmp_path: Path) -> None:
    """It dies while the helper process is still starting."""
    program = (
        "import os\n"
        "from tests.actors.engine.group import Listener\n"
        "from tests.actors.engine.guests import ENTRY, Deed\n"
        "from actorstream.actors.engine import ThespianEngine\n"
        "engine = ThespianEngine(Listener(), lambda call: call(), entry=ENTRY)\n"
        "engine.start_node(Deed(1))\n"
        "while engine._brood is None: pass\n"
        "print(engine._brood.pid, engine.directory, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    group, directory = ended.stdout.decode().split()

    wait_gone(int(group), directory)
