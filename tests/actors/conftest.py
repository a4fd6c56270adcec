"""Every runtime under one contract, and a quiet log.

A test that takes `system` runs under all runtimes: in this process, simulated, on simulated nodes, on processes. Marks:
`one_process("why")` leaves nodes out; `own_system("why")`: it ends the system, so it does not share the processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from actorstream.actors import ActorSystem
from tests.actors.namespaces import two_hosts
from tests.actors.runtimes import ALL, ONE_PROCESS, clear


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What was logged, instead of showing it."""
    with structlog.testing.capture_logs() as entries:
        yield entries


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every runtime, or those in one process."""
    if "system" in metafunc.fixturenames:
        alone = metafunc.definition.get_closest_marker("one_process") is not None
        metafunc.parametrize("system", list(ONE_PROCESS if alone else ALL), indirect=True)


@pytest.fixture(scope="session")
def processes() -> Iterator[ActorSystem]:
    """A system of processes, which tests share: to start one takes longer than most tests."""
    with ALL["processes"]() as system:
        yield system


@pytest.fixture
def system(request: pytest.FixtureRequest) -> Iterator[ActorSystem]:
    """A system of each runtime."""
    if request.param == "processes" and request.node.get_closest_marker("own_system") is None:
        shared = request.getfixturevalue("processes")
        yield shared
        clear(shared)
        return
    with ALL[request.param]() as system:
        yield system


@pytest.fixture
def simulation() -> Iterator[ActorSystem]:
    """A simulated system."""
    with ActorSystem(runtime="simulation", seed=7) as system:
        yield system


@pytest.fixture
def hosts() -> Iterator[tuple[str, str]]:
    """The names of two network namespaces, connected."""
    with two_hosts() as names:
        yield names
