"""What bytes raise that are not what they should be."""

from __future__ import annotations

from actorstream.errors import ActorstreamError


class BadFrame(ActorstreamError):
    """Bytes that are no frame; the connection they came through is of no use any more."""
