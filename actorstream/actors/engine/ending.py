"""How the processes of an engine end by themselves: at once, with all others of their host, and without a trace.

All of them (the helper process, Thespian's admin and its logger, the warden, the nodes) are one process group that no
other process is in. So whoever notices that the driver has gone needs to know no process numbers.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from typing import NoReturn


def end_group(directory: str = "") -> NoReturn:
    """Remove the run directory, if there is one to remove, and end every process of this group."""
    if directory:
        remove(directory)
    os.killpg(0, signal.SIGKILL)
    os._exit(1)


def end_process(status: int = 0) -> NoReturn:
    """End this process without its `atexit`, which belongs to the process that it was forked from."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # Nobody reads it any more.
    os._exit(status)


def remove(directory: str) -> None:
    """Remove a directory, even while somebody else still writes there or removes it too."""
    for _ in range(REMOVE_ATTEMPTS):
        shutil.rmtree(directory, ignore_errors=True)
        if not os.path.lexists(directory):
            return


REMOVE_ATTEMPTS = 5
"""How often a directory is removed in which something new appears meanwhile."""
