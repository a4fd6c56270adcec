"""What a piece of code prints in processes of its own, with hashes of strings that differ."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def printed(code: str) -> list[str]:
    """The different outputs of `code`, run once for each of three hash seeds."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "random")
    ]
    return list(dict.fromkeys(found))
