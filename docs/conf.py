"""How the pages are built: Sphinx over Markdown, without a warning and without the network."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

_setup = ConfigParser()
_setup.read(Path(__file__).resolve().parents[1] / "setup.cfg", encoding="utf-8")

project = _setup["metadata"]["name"]
author = _setup["metadata"]["author"]
release = _setup["metadata"]["version"]
project_copyright = author

extensions = ["myst_parser"]
exclude_patterns = ["_build", "decisions/template.md"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"{project} {release}"
