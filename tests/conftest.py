"""How much the property tests generate: little while one works, much at night. And logs as at the beginning.

By day they generate the same each time, so that the same code gives the same answer; at night what nobody has seen.
No profile has a deadline: how long an example takes says something about the machine, not about the code.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default", deadline=None, derandomize=True, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "nightly", settings.get_profile("default"), derandomize=False, max_examples=5_000, print_blob=True
)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def unconfigured_logs() -> Iterator[None]:
    """What a test captured leaves structlog configured; the next one begins as a program does that never did."""
    yield
    structlog.reset_defaults()
