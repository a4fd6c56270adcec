"""Options of pytest for simulations: `--seeds N` runs so many seeds, `--seed S` exactly that one."""

from __future__ import annotations

from typing import Any

from actorstream.testing.seeds import CHOSEN


def pytest_addoption(parser: Any) -> None:
    """Declare the options."""
    group = parser.getgroup("actorstream")
    group.addoption("--seeds", type=int, default=None, metavar="N", help="simulate N seeds instead of the test's own")
    group.addoption("--seed", type=int, default=None, metavar="S", help="simulate exactly seed S")


def pytest_configure(config: Any) -> None:
    """Remember what was chosen."""
    CHOSEN.count = config.getoption("--seeds")
    CHOSEN.only = config.getoption("--seed")
