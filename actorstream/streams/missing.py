"""What to say of an operator that a stream does not have, but would have one step later."""

from __future__ import annotations

from actorstream.errors import NoSuchOperator
from actorstream.streams.site import user_site

_OF_KEYED = ("window", "process", "reduce", "aggregate", "join", "match")

_OF_STREAMS = (
    *("map", "filter", "tap", "flat_map", "map_batches", "select", "where", "with_columns"),
    *("key_by", "union", "split", "to", "sink", "window", "process"),
)


def not_of_stream(stream: object, name: str) -> AttributeError:
    """The error for an attribute that a stream without a key does not have."""
    if name in _OF_KEYED:
        return NoSuchOperator(
            f"{name} at {user_site()} needs a key, and {stream!r} has none; say .key_by(...) just before it "
            "(map and flat_map drop the key)"
        )
    return _no_attribute(stream, name)


def not_of_windows(windows: object, name: str) -> AttributeError:
    """The error for an attribute that windows without a result do not have."""
    return _unfinished(windows, name, "windows", ".aggregate(...), .reduce(...) or .apply(...)")


def not_of_matches(matches: object, name: str) -> AttributeError:
    """The error for an attribute that matches without a function do not have."""
    return _unfinished(matches, name, "matches", ".apply(...)")


def _unfinished(of: object, name: str, what: str, before: str) -> AttributeError:
    if name in _OF_STREAMS:
        return NoSuchOperator(
            f"{name} at {user_site()} needs values, and {what} have none before they are finished; say {before} "
            f"before it, or decorate a function with the {what}"
        )
    return _no_attribute(of, name)


def _no_attribute(of: object, name: str) -> AttributeError:
    return AttributeError(f"{type(of).__name__!r} object has no attribute {name!r}", name=name, obj=of)
