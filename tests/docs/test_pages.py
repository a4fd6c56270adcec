"""The pages tell the truth: their interactive examples run, and their links lead somewhere.

A block that is fenced as `pycon` is run as a doctest; the blocks of a page run in order and share their names.
"""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *(ROOT / "docs").rglob("*.md"))
    if not any(part.startswith((".", "_")) for part in path.relative_to(ROOT).parts)
)
FENCE = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@each_page
def test_interactive_examples_give_what_they_show(page: Path) -> None:
    """Every `pycon` block of a page prints what stands below its prompts."""
    example = doctest.DocTestParser().get_doctest(_only_examples(page), {}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.REPORT_NDIFF)
    said: list[str] = []

    runner.run(example, out=said.append)

    assert runner.failures == 0, "".join(said)


@each_page
def test_links_between_files_lead_to_a_file(page: Path) -> None:
    """A relative link names something that is there."""
    targets = LINK.findall(page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def _only_examples(page: Path) -> str:
    """The page with everything but its `pycon` blocks blanked, so that line numbers stay true."""
    text = page.read_text(encoding="utf-8")
    kept: list[str] = []
    end = 0
    for block in FENCE.finditer(text):
        kept += ["\n" * text.count("\n", end, block.start(1)), block[1]]
        end = block.end(1)
    return "".join(kept)
