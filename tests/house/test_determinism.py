"""One stray call to a clock, and a seed no longer replays a failure.

The linter looks for the same clocks by name of import; these tests see through aliases, and look for what it cannot:
hashes, addresses, the order of sets, and state that outlives a simulated process.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.house import rules
from tests.house.source import PACKAGE, Module

OUTSIDE = ("host", "ops")
"""The storeys that stand on the machine: one wraps what is not deterministic, the other is started by a person."""

INSIDE = [module for module in PACKAGE if module.storey not in OUTSIDE]

Rule = Callable[[Module], Iterator[tuple[ast.AST, str]]]


def test_no_clock_and_no_chance_but_the_hosts() -> None:
    """Outside `host` and `ops` nothing asks the machine for the time, for chance, or to sleep."""
    assert _broken(rules.clocks_and_chance, INSIDE) == []


def test_no_decision_by_hash_or_address() -> None:
    """`hash()` and `id()` differ from run to run; they appear only where Python itself asks for them."""
    assert _broken(rules.hashes_and_addresses, INSIDE) == []


def test_no_iteration_over_a_set() -> None:
    """A set of anything but numbers has no order; whoever walks over one sorts it first."""
    assert _broken(rules.walks_over_sets, INSIDE) == []


def test_every_queue_has_a_bound() -> None:
    """A queue of the standard library is made with its greatest size."""
    assert _broken(rules.unbounded_queues, PACKAGE) == []


def test_modules_keep_no_state() -> None:
    """A module holds constants: what it is imported with never changes, unless a comment says why it must."""
    assert _broken(rules.changing_state, PACKAGE) == []


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (rules.clocks_and_chance, "import time as t\n\ndef f(): return t.monotonic()"),
        (rules.clocks_and_chance, "from time import sleep"),
        (rules.clocks_and_chance, "from datetime import datetime as d\nnow = d.now"),
        (rules.clocks_and_chance, "import os\nseed = os.urandom(8)"),
        (rules.clocks_and_chance, "def f():\n    from random import choice"),
        (rules.hashes_and_addresses, "def slot(key): return hash(key) % 8"),
        (rules.walks_over_sets, "for name in {'a', 'b'}: print(name)"),
        (rules.walks_over_sets, "names = [name for name in set(others)]"),
        (rules.unbounded_queues, "import queue\nwaiting = queue.Queue()"),
        (rules.changing_state, "seen = {}"),
        (rules.changing_state, "SEEN = {}\n\ndef see(x): SEEN[x] = 1"),
        (rules.changing_state, "SEEN: set[int] = set()\n\ndef see(x): SEEN.add(x)"),
        (rules.changing_state, "import itertools\n_IDS = itertools.count()"),
        (rules.changing_state, "count = 0\n\ndef more():\n    global count\n    count += 1"),
    ],
)
def test_a_planted_fault_is_found(rule: Rule, fault: str, tmp_path: Path) -> None:
    """Each rule notices what it forbids."""
    assert list(rule(_module(tmp_path, fault))) != []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.clocks_and_chance, "def f(time): return time.monotonic()"),
        (rules.clocks_and_chance, "from datetime import datetime, time\nnoon = datetime.combine(day, time(12))"),
        (rules.hashes_and_addresses, "class A:\n    def __hash__(self): return hash(self.name)"),
        (rules.walks_over_sets, "for name in sorted({'a', 'b'}): print(name)"),
        (rules.unbounded_queues, "import queue\nwaiting = queue.Queue(maxsize=8)"),
        (rules.changing_state, "_UNITS = {'ms': 1000}"),
        (rules.changing_state, "# process-wide: one directory is opened once a process\n_OPEN = {}"),
    ],
)
def test_what_is_allowed_is_left_alone(rule: Rule, text: str, tmp_path: Path) -> None:
    """No rule forbids more than it says."""
    assert list(rule(_module(tmp_path, text))) == []


def _broken(rule: Rule, modules: Sequence[Module]) -> list[str]:
    return [module.at(node, what) for module in modules for node, what in rule(module)]


def _module(directory: Path, text: str) -> Module:
    path = directory / "module.py"
    path.write_text(text, encoding="utf-8")
    return Module(path)
