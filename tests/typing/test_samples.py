"""Programs as people write them pass `mypy --strict`, and it knows the types that they work with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api")

SAMPLES = Path(__file__).parent / "samples"


def check(sample: str) -> list[str]:
    """The errors of one sample, without the summary."""
    said, failure, _ = api.run(["--strict", "--no-error-summary", "--hide-error-context", str(SAMPLES / sample)])
    assert not failure
    return [line for line in said.splitlines() if ": error:" in line]


@pytest.mark.parametrize("sample", ["hot_items.py", "operators.py"])
def test_a_program_passes(sample: str) -> None:
    """Nothing has to be added for the type checker."""
    assert check(sample) == []


def test_mistakes_are_found() -> None:
    """On the lines that hold them, and on no others."""
    lines = (SAMPLES / "mistakes.py").read_text(encoding="utf-8").splitlines()
    expected = {number for number, line in enumerate(lines, 1) if line.endswith("# error")}

    found = {int(re.search(r":(\d+):", error)[1]) for error in check("mistakes.py")}  # type: ignore[index]

    assert found == expected
