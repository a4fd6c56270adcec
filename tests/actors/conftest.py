"""Every runtime under one contract, and a quiet log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from actorstream.actors import ActorSystem


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What was logged, instead of showing it."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture(params=["local", "simulation", "in order"])
def system(request: pytest.FixtureRequest) -> Iterator[ActorSystem]:
    """A system of each runtime."""
    made = {
        "local": lambda: ActorSystem(),
        "simulation": lambda: ActorSystem(runtime="simulation", seed=7),
        "in order": lambda: ActorSystem(runtime="simulation", seed=None),
    }
    with made[request.param]() as system:
        yield system


@pytest.fixture
def simulation() -> Iterator[ActorSystem]:
    """A simulated system."""
    with ActorSystem(runtime="simulation", seed=7) as system:
        yield system
