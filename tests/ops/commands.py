"""Runs the command as a person does: in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SECONDS_MAX = 60

_COMMAND = [sys.executable, "-m", "actorstream"]


def actorstream(*arguments: str, cwd: Path, stdin: str | bytes = "") -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [*_COMMAND, *arguments],
        cwd=cwd,
        env=_environment(),
        input=data,
        capture_output=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def start(*arguments: str, cwd: Path, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """Start, with pipes at all ends, or another standard error."""
    return subprocess.Popen(
        [*_COMMAND, *arguments],
        cwd=cwd,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        preexec_fn=_heed_interrupts,
    )


def _heed_interrupts() -> None:
    """What a shell starts in the background ignores SIGINT, and so does all that it starts; a test must not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def told(done: subprocess.CompletedProcess[str], status: int = 2) -> str:
    """What a failed command says; it must be short, on standard error, and no traceback."""
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert 1 <= len(done.stderr.splitlines()) <= 6, done.stderr
    return done.stderr
