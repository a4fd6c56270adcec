"""Helpers that several of these tests share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # The plain codec and the makers of batches lie beside the tests.
