"""The fragments of the change log can be put together."""

from __future__ import annotations

import re

from tests.house.source import ROOT

DIRECTORY = ROOT / "changelog.d"
FRAGMENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.(feature|fix|breaking)\.md")


def test_fragments_are_named_by_topic_and_kind() -> None:
    """A fragment with another name would be left out of the change log without a word."""
    names = {path.name for path in DIRECTORY.iterdir()} - {"README.md", "template.md"}

    assert [name for name in sorted(names) if not FRAGMENT.fullmatch(name)] == []


def test_fragments_say_something() -> None:
    """An empty fragment would be an empty line in the change log."""
    empty = [path.name for path in sorted(DIRECTORY.glob("*.md")) if not path.read_text(encoding="utf-8").strip()]

    assert empty == []
