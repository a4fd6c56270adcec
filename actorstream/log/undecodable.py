"""What msgspec raises for bytes that are not what they should be: more than its own errors."""

from __future__ import annotations

import msgspec

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""Not MessagePack or JSON, not of the type, not UTF-8, nested too deep."""
