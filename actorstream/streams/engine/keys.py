"""Gives each record its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from actorstream.model.identity import BadKey, Encoder, encode
from actorstream.model.instant import Instant
from actorstream.model.key_types import are_keys
from actorstream.streams import checks
from actorstream.streams.engine.batch import Batch
from actorstream.streams.engine.failure import call_each
from actorstream.streams.engine.fields import values_of
from actorstream.streams.engine.guard import GuardedStage, Now, kept
from actorstream.streams.engine.pausable import Work
from actorstream.streams.plan.nodes import KeyBy


class KeyStage(GuardedStage):
    """`key_by`. Keys that are fields of a columnar batch are left there, for stages that can use columns."""

    def __init__(self, node: KeyBy, now: Now) -> None:
        super().__init__(node.name, node.on_error, now)
        self._node = node
        self._one = _sound(node.function or _of_fields(node.fields))
        self._are_sound = bool(node.fields) and are_keys(node.key_type)

    def push(self, batch: Batch) -> None:
        in_columns = self._node.fields and batch.is_columns
        if self.guard.is_plain or (in_columns and self._are_sound and not self.is_paused):
            self.emit(batch.with_keys(None if in_columns else _made(batch, self._node)))
        else:
            super().push(batch)

    def advance(self, watermark: Instant) -> None:
        if self.guard.is_plain:
            self.pass_on(watermark)
        else:
            super().advance(watermark)

    def work(self, batch: Batch) -> Work:
        failed, keys = yield from self.guard.each(self._one, batch, batch.rows())
        if failed:
            batch = batch.choose(kept(failed, len(batch)))
        self.emit(batch.with_keys(keys))


class KeyEncoder(Encoder):
    """An encoder of the keys that `node` has given; of a value that is no key it says who gave it."""

    def __init__(self, node: KeyBy) -> None:
        super().__init__()
        self._node = node

    def encode_all(self, keys: Sequence[Any]) -> list[bytes]:
        """See `Encoder.encode_all`."""
        try:
            return super().encode_all(keys)
        except BadKey as error:
            raise BadKey(f"{self._node.name!r} at {self._node.site}: {error}") from None


def keys_of(batch: Batch, node: KeyBy) -> list[Any]:
    """The keys of a batch that the stage of `node` has passed on."""
    return _made(batch, node) if batch.keys is None else batch.keys


def _sound(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same, which fails where it gives what is no key, so that a policy decides of the record."""

    def key_of(value: Any) -> Any:
        key = function(value)
        encode(key)
        return key

    return key_of


def _of_fields(fields: tuple[str, ...]) -> Callable[[Any], Any]:
    getters = [checks.getter(field) for field in fields]
    if len(getters) == 1:
        return getters[0]
    return lambda value: tuple(get(value) for get in getters)


def _made(batch: Batch, node: KeyBy) -> list[Any]:
    if node.function is not None:
        return call_each(node.name, node.function, batch, batch.rows())
    fields = [values_of(node.name, field, batch) for field in node.fields]
    return fields[0] if len(fields) == 1 else list(zip(*fields, strict=True))
