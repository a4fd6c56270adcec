"""Records of a topic, or of a connector, that cannot be decoded, where the stream's policy goes on without them.

They come in their place among the others, so that the position of a checkpoint tells which of them are done with.
"""

from __future__ import annotations

import msgspec

from actorstream.log.client import Undecodable
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.guard import Guard


def without_bad(batch: Batch, log_times: list[int] | None, guard: Guard) -> tuple[Batch, list[int] | None]:
    """The batch and its times without the records that could not be decoded; each of those follows the policy."""
    if batch.is_columns:
        return batch, log_times
    rows = batch.rows()
    bad = [place for place, row in enumerate(rows) if isinstance(row, Undecodable)]
    if not bad:
        return batch, log_times
    for place in bad:
        guard.give_up(rows[place].error, batch, place, _readable(rows[place].raw))
    gone = dict.fromkeys(bad)
    good = [place for place in range(len(rows)) if place not in gone]
    return batch.choose(good), None if log_times is None else [log_times[place] for place in good]


def _readable(raw: object) -> object:
    """The value as JSON, if it is JSON of another type; else its text, or what it is."""
    if not isinstance(raw, bytes):
        return raw
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return raw.decode(errors="replace")
